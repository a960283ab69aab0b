"""
How often each has asked, counted once for all workers of an instance.

The counts stand in a file that all workers map, in the instance's own folder; each worker writes
its own and adds up all, so that there is no lock to wait for or to die with. They are those of a
sliding window: what the last window had counts by the share of it that the sliding one still
covers, and the window begins with the first request. However much is asked, it admits what the rate
says, and no burst at the seam of two windows doubles it.
"""

import mmap
import os
from collections.abc import Callable
from hashlib import blake2b
from math import floor
from pathlib import Path
from struct import Struct
from time import monotonic
from typing import NamedTuple

import structlog

from config.rates import Rate

# 8,192 of whoever asks are known; of the others whoever has not asked for longest is forgotten. A
# row is found among the few of its set.
SETS, WAYS = 1024, 8

# A row: who it is, when the first window began, when the latest did, and for each worker the window
# in which it counted last, and its counts of that and of the one before.
TAG, FIRST, LATEST, WORKERS = range(4)
START, CURRENT, PREVIOUS, COLUMNS = range(4)
CELL_BYTES = 8

# The places of so many are remembered.
KNOWN = 4096

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

    def __init__(
        self,
        path: Path | None = None,
        *,
        worker: int = 0,
        workers: int = 1,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """
        Count as the worker in slot *worker* of so many; *clock* is the same for all of them.

        Those that replace others have slots beyond. Raises OSError where there is no room.
        """
        slots = 2 * workers
        self._width = WORKERS + COLUMNS * slots
        self._own = WORKERS + COLUMNS * (worker % slots)
        self._cells = range(WORKERS, self._width, COLUMNS)
        self._clock = clock
        self._memory = memoryview(_mapped(path, SETS * WAYS * self._width * CELL_BYTES))
        self._tags, self._figures = self._memory.cast("Q"), self._memory.cast("d")
        self._row_of = Struct(f"Q{self._width - 1}d").unpack_from
        # Not known outside, so that nobody can choose whose set an address falls into.
        self._salt = path.parent.name.encode()[-64:] if path else os.urandom(16)
        self._places: dict[tuple[str, Rate], tuple[int, int]] = {}

    def hit(self, who: str, rate: Rate) -> Allowance:
        """Count a request of *who* against *rate*, if it may come."""
        tag, row = self._places.get((who, rate)) or self._place(who, rate)
        cells = self._row_of(self._memory, row * CELL_BYTES)
        if cells[TAG] != tag:  # others needed its room
            tag, row = self._place(who, rate)
            cells = self._row_of(self._memory, row * CELL_BYTES)
        now_s, window_s = self._clock(), rate.window_s
        start_s = cells[LATEST]
        if not 0 <= now_s - start_s < window_s:
            start_s = self._next_window(row, now_s, window_s)
        left_s = start_s + window_s - now_s
        current, previous = self._sums(cells, start_s, window_s)
        used = current
        if previous:  # what has left the window in part has left it: a rate of one depends on it
            used += floor(max(0.0, previous * left_s / window_s - TINY))
        if used + 1 > rate.requests:
            return Allowance(False, 0, _until_s(rate, current, previous, left_s))  # noqa: FBT003
        self._count(row, cells, start_s, window_s)
        return Allowance(True, int(rate.requests - used - 1), left_s)  # noqa: FBT003

    def _place(self, who: str, rate: Rate) -> tuple[int, int]:
        """The tag of *who* at that *rate*, and its row; the oldest of its set makes room for it."""
        asked = f"{who} {rate}".encode("utf-8", "replace")
        digest = blake2b(asked, key=self._salt, digest_size=8).digest()
        tag = int.from_bytes(digest) or 1
        first = tag % SETS * WAYS * self._width
        rows = range(first, first + WAYS * self._width, self._width)
        found = [row for row in rows if self._tags[row] == tag]
        place = tag, found[0] if found else self._new_row(tag, rows)
        if len(self._places) >= KNOWN:
            self._places.clear()
        self._places[who, rate] = place
        return place

    def _new_row(self, tag: int, rows: range) -> int:
        figures = self._figures
        row = min(rows, key=lambda each: figures[each + LATEST])
        for cell in self._cells:
            figures[row + cell + START] = NEVER_S
        figures[row + LATEST] = NEVER_S
        self._tags[row] = tag
        return row

    def _next_window(self, row: int, now_s: float, window_s: int) -> float:
        """When the present window began; after two without a request it begins now."""
        figures = self._figures
        if not 0 <= now_s - figures[row + LATEST] < 2 * window_s:
            figures[row + FIRST] = figures[row + LATEST] = now_s
            return now_s
        first_s = figures[row + FIRST]
        start_s = first_s + (now_s - first_s) // window_s * window_s
        figures[row + LATEST] = start_s
        return start_s

    def _sums(self, cells: tuple[float, ...], start_s: float, window_s: int) -> tuple[float, float]:
        """What all workers have counted in the window that began at *start_s*, and before it."""
        current = previous = 0.0
        for cell in self._cells:
            began_s = cells[cell]
            if began_s == start_s:
                current += cells[cell + CURRENT]
                previous += cells[cell + PREVIOUS]
            elif start_s - began_s < 1.5 * window_s:  # the window before, but for rounding
                previous += cells[cell + CURRENT]
        return current, previous

    def _count(self, row: int, cells: tuple[float, ...], start_s: float, window_s: int) -> None:
        """Count one in this worker's own cell of the *row*, which had these *cells*."""
        figures, own = self._figures, self._own
        began_s, counted = cells[own], cells[own + CURRENT]
        if began_s != start_s:
            is_last = start_s - began_s < 1.5 * window_s
            figures[row + own + PREVIOUS] = counted if is_last else 0.0
            figures[row + own + START] = start_s
            counted = 0.0
        figures[row + own + CURRENT] = counted + 1


def _mapped(path: Path | None, size_bytes: int) -> mmap.mmap:
    if path is None:
        return mmap.mmap(-1, size_bytes)
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        # Where pages are only promised, the first write to one on a full disk ends the process.
        os.posix_fallocate(opened, 0, size_bytes)
        return mmap.mmap(opened, size_bytes)
    finally:
        os.close(opened)


def _until_s(rate: Rate, current: float, previous: float, left_s: float) -> float:
    """How long until one more may come: until as much of the last window has left."""
    if current >= rate.requests:
        return left_s
    return max(0.0, left_s - rate.window_s * (rate.requests - current) / previous)
