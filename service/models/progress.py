"""What a command is doing while it does it, on stderr."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter


@contextmanager
def step(doing: str) -> Iterator[None]:
    """Say what is done now, and, when it is done, how long it took."""
    sys.stderr.write(f"{doing} … ")
    sys.stderr.flush()
    started = perf_counter()
    try:
        yield
    except BaseException:
        sys.stderr.write("failed\n")
        raise
    sys.stderr.write(f"{perf_counter() - started:.1f} s\n")
