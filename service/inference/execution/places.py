"""A bounded number of places, given in the order of asking and never lost."""

import threading
from collections import deque


class Places:
    """
    A semaphore that loses no place.

    The library's counts a place as free, and wakes one who waits: if that one is ended before it
    runs, as a greenlet may be, the place is free and all others wait on. Here it passes on.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._lock = threading.Lock()
        self._waiting: deque[_Waiter] = deque()

    @property
    def waiting(self) -> int:
        """How many wait for one."""
        return len(self._waiting)

    def take(self, timeout_s: float | None = None) -> bool:
        """Wait for a place, for *timeout_s* at most; whether there was one."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            waiter = _Waiter()
            self._waiting.append(waiter)
        try:
            waiter.turn.acquire(timeout=-1 if timeout_s is None else timeout_s)
        except BaseException:
            self._leave(waiter)
            if waiter.has_place:
                self.give()
            raise
        self._leave(waiter)
        return waiter.has_place

    def give(self) -> None:
        """Give a place back: to the one who has waited longest, if anybody does."""
        with self._lock:
            if not self._waiting:
                self._free += 1
                return
            waiter = self._waiting.popleft()
            waiter.has_place = True
        waiter.turn.release()

    def _leave(self, waiter: "_Waiter") -> None:
        with self._lock:
            if not waiter.has_place:
                self._waiting.remove(waiter)


class _Waiter:
    def __init__(self) -> None:
        self.has_place = False
        self.turn = threading.Lock()
        self.turn.acquire()
