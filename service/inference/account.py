"""
The bytes that requests may hold at once in one worker, so that no number of them ends it.

What is held is estimated before it is made (a body while it arrives, what its parsing makes of it,
a picture at its widest form, the rows that wait for a model), and given back as a whole when the
request has ended. Small requests, which are nearly all, are not counted.
"""

import sys
import time  # whose sleep gevent replaces after the worker has imported this
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from time import monotonic
from typing import Any, TypeAlias

from service.errors import NoRoom, TooLarge

# Bodies and arrays up to this size are not counted: a thousand connections hold 16 MB of them.
UNCOUNTED_BYTES = 16 << 10

# What holds more than this, and than a part of the account, may fill only so much of it: the rest
# is for everybody else.
LARGE_BYTES, LARGE_PART = 512 << 10, 16
LARGE_SHARE = 0.75

# What finds no room waits so long before it is refused.
ROOM_WAIT_S = 2.0

# Between two looks whether room has become free.
LOOK_S = 0.02

LockFactory: TypeAlias = Callable[[], AbstractContextManager[Any]]


class Account:
    """
    The bytes held in this worker against their limit.

    May be used by the event loop and by native threads at once, so its lock must be a native one.
    """

    def __init__(self, limit_bytes: int, lock: LockFactory) -> None:
        self.limit_bytes = limit_bytes
        self.held_bytes = 0
        self._lock = lock()

    def share_of(self, size_bytes: int) -> float:
        """The share of the account that a request of *size_bytes* in all may fill."""
        large_bytes = max(LARGE_BYTES, self.limit_bytes // LARGE_PART)
        return 1.0 if size_bytes <= large_bytes else LARGE_SHARE

    def take(self, size_bytes: int, *, share: float = 1.0) -> bool:
        """Hold *size_bytes* more if they fit into *share* of the limit; whether they did."""
        with self._lock:
            if self.held_bytes + size_bytes > self.limit_bytes * share:
                return False
            self.held_bytes += size_bytes
            return True

    def give(self, size_bytes: int) -> None:
        """Give *size_bytes* back."""
        with self._lock:
            self.held_bytes -= size_bytes

    @contextmanager
    def reserve(self, size_bytes: int) -> Iterator[None]:
        """Hold *size_bytes* for a while. Raises NoRoom or TooLarge at once; never waits."""
        if not self.take(size_bytes, share=self.share_of(size_bytes)):
            raise self.refusal(size_bytes)
        try:
            yield
        finally:
            self.give(size_bytes)

    def never_fits(self, size_bytes: int) -> bool:
        """Tell whether *size_bytes* are more than one request may ever hold."""
        return size_bytes > int(self.limit_bytes * LARGE_SHARE)

    def refusal(self, size_bytes: int) -> NoRoom | TooLarge:
        """
        Say why *size_bytes* were not let in: never will be, or not now.

        To be raised as it comes: a variable that holds an exception holds its frames as well, in a
        circle, and with them a request's body until the collector runs.
        """
        if self.never_fits(size_bytes):
            return TooLarge(
                f"this takes {size_bytes} bytes of memory at once, more than the "
                f"{int(self.limit_bytes * LARGE_SHARE)} that this worker has for it; send less"
            )
        return NoRoom("other requests hold the memory that this one takes", size_bytes)


class Hold:
    """What one request holds of *account*. Not for two threads at once."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.held_bytes = 0
        self.expected_bytes = 0

    def grow(self, size_bytes: int, until_s: float = 0.0) -> None:
        """
        Hold *size_bytes* more, waiting for room until *until_s* (by `time.monotonic`).

        What is expected to hold much in the end (`expected_bytes`) is large from its beginning.
        Raises TooLarge for what never fits, NoRoom when the time is over.
        """
        share = self.account.share_of(max(self.expected_bytes, self.held_bytes + size_bytes))
        while not self.account.take(size_bytes, share=share):
            held_bytes = self.held_bytes + size_bytes
            if self.account.never_fits(held_bytes) or monotonic() >= until_s:
                raise self.account.refusal(held_bytes)
            time.sleep(LOOK_S)
        self.held_bytes += size_bytes

    def shrink(self, held_bytes: int) -> None:
        """Give back what is held beyond *held_bytes*."""
        freed_bytes, self.held_bytes = self.held_bytes - held_bytes, held_bytes
        self.account.give(freed_bytes)

    def release(self) -> None:
        """Give everything back; a second time is nothing."""
        self.shrink(0)


def wait_for_room(account: Account, size_bytes: int, until_s: float) -> None:
    """Return when *size_bytes* would fit. Raises what the account refuses them with."""
    share = account.share_of(size_bytes)
    while account.held_bytes + size_bytes > account.limit_bytes * share:
        if account.never_fits(size_bytes) or monotonic() >= until_s:
            raise account.refusal(size_bytes)
        time.sleep(LOOK_S)


def unlimited() -> Hold:
    """Make a hold of an account that nobody else has: for whoever counts nothing."""
    return Hold(Account(sys.maxsize, nullcontext))
