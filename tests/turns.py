"""
Whose turn it is where tests run beside one another (pytest-xdist): a test marked `alone` has the
machine for itself.

The locks are those of two of the project's files, so that nothing is left behind.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

QUEUE = Path(__file__)
MACHINE = Path(__file__).with_name("conftest.py")


@contextmanager
def turn(*, alone: bool) -> Iterator[None]:
    """Wait for the others to end, or only for who is alone; who waits is not overtaken."""
    with QUEUE.open() as queue, MACHINE.open() as machine:
        fcntl.flock(queue, fcntl.LOCK_EX)
        fcntl.flock(machine, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(queue, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(machine, fcntl.LOCK_UN)  # also for what the test has forked
