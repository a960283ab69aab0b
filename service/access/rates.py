"""
How often each has asked, counted once for all workers of an instance.

The counts stand in a file that all workers map, in the instance's own folder. They are those of a
sliding window: what the last window had counts by the share of it that the sliding one still
covers, and the window begins with the first request. However much is asked, it admits what the rate
says, and no burst at the seam of two windows doubles it.
"""

import fcntl
import mmap
import os
from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from math import floor
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import structlog

from config.rates import Rate

# 65,536 of whoever asks are known; of the others whoever began longest ago is forgotten. A row is
# found among the few of its set.
SETS, WAYS = 8192, 8
TAG, START, CURRENT, PREVIOUS = range(4)
COLUMNS = 4
SIZE_BYTES = SETS * WAYS * COLUMNS * 8

# One who holds the lock is done in a microsecond, unless it has been stopped: then others go on
# without it, at the cost of a request's count.
TRIES = 64

NEVER_S = float("-inf")

# By which sums of times differ that are meant to be the same.
TINY = 1e-9


log = structlog.get_logger()


class Allowance(NamedTuple):
    """
    Whether a request may come, and how many more might, where that is known.

    In *reset_s* the window ends; or, of one that may not come, one may again.
    """

    is_admitted: bool
    left: int | None
    reset_s: float


class SharedCounts:
    """The counts of one instance, in *path*; or of this process alone, where there is none."""

    def __init__(self, path: Path | None, clock: Callable[[], float] = monotonic) -> None:
        """*clock* is the same for all processes, as the monotonic one is of a machine."""
        self._clock = clock
        self._lock_fd = _opened(path) if path else -1
        memory = memoryview(mmap.mmap(self._lock_fd, SIZE_BYTES))
        self._tags, self._figures = memory.cast("Q"), memory.cast("d")
        # Not known outside, so that nobody can choose whose set an address falls into.
        salt = path.parent.name.encode()[-64:] if path else os.urandom(16)

        @lru_cache(maxsize=4096)
        def place(who: str, rate: Rate) -> tuple[int, int]:
            digest = blake2b(f"{who} {rate}".encode(), key=salt, digest_size=8).digest()
            tag = int.from_bytes(digest) or 1
            return tag % SETS, tag

        self._place = place

    def hit(self, who: str, rate: Rate) -> Allowance:
        """Count a request of *who* against *rate*, if it may come."""
        one_set, tag = self._place(who, rate)
        is_held = self._take(one_set)
        try:
            return self._count(self._row(one_set, tag), rate)
        finally:
            if is_held:
                fcntl.lockf(self._lock_fd, fcntl.LOCK_UN, 1, one_set)

    def _row(self, one_set: int, tag: int) -> int:
        """Where the row of *tag* stands; where there is none, the oldest of its set makes room."""
        tags, figures = self._tags, self._figures
        first = one_set * WAYS * COLUMNS
        rows = range(first, first + WAYS * COLUMNS, COLUMNS)
        for row in rows:
            if tags[row] == tag:
                return row
        row = min(rows, key=lambda each: figures[each + START])
        tags[row] = tag
        figures[row + START] = NEVER_S
        return row

    def _count(self, row: int, rate: Rate) -> Allowance:
        figures, now_s, window_s = self._figures, self._clock(), rate.window_s
        started_s, current, previous = figures[row + START], figures[row + CURRENT], 0.0
        age_s = now_s - started_s
        if 0 <= age_s < window_s:
            previous = figures[row + PREVIOUS]
        elif window_s <= age_s < 2 * window_s:
            started_s, previous, current = started_s + window_s, current, 0.0
        else:
            started_s, current = now_s, 0.0
        left_s = started_s + window_s - now_s
        # A request that has left the window in part has left it: a rate of one depends on it.
        used = floor(max(0.0, previous * left_s / window_s - TINY)) + current
        is_admitted = used + 1 <= rate.requests
        if is_admitted:
            current += 1
        figures[row + START], figures[row + CURRENT] = started_s, current
        figures[row + PREVIOUS] = previous
        if is_admitted:
            return Allowance(is_admitted, int(rate.requests - used - 1), left_s)
        return Allowance(is_admitted, 0, _until_s(rate, current, previous, left_s))

    def _take(self, one_set: int) -> bool:
        """Lock the set's byte of the file, which a process that ends lets go (fcntl(2))."""
        if self._lock_fd < 0:
            return False
        for _ in range(TRIES):
            try:
                fcntl.lockf(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, one_set)
            except OSError:
                os.sched_yield()
            else:
                return True
        return False


def _opened(path: Path) -> int:
    """Open the file at its full size; -1 where there is no room for it."""
    try:
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # Where pages are only promised, the first write to one on a full disk ends the process.
            os.posix_fallocate(opened, 0, SIZE_BYTES)
        except OSError:
            os.close(opened)
            raise
    except OSError as error:
        log.error("rates_not_shared", reason=error.strerror)  # noqa: TRY400  # it says enough
        return -1
    return opened


def _until_s(rate: Rate, current: float, previous: float, left_s: float) -> float:
    """How long until one more may come: until as much of the last window has left."""
    if current == rate.requests:
        return left_s
    return max(0.0, left_s - rate.window_s * (rate.requests - current) / previous)
