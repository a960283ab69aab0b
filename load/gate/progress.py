"""That it still measures, on a terminal and in a CI's log."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic


@contextmanager
def told_every(seconds: float, expected_s: float) -> Iterator[None]:
    """Write a line to stderr every so many *seconds* of a block that takes about *expected_s*."""
    ended, began_s = Event(), monotonic()

    def tell() -> None:
        while not ended.wait(seconds):
            sys.stderr.write(f"{monotonic() - began_s:.0f} s of about {expected_s:.0f} s …\n")
            sys.stderr.flush()

    telling = Thread(target=tell, daemon=True)
    telling.start()
    try:
        yield
    finally:
        ended.set()
        telling.join()
