"""
Log lines on their way out: into a bounded queue, and to stdout by one native thread.

Whoever logs never waits for whoever reads: a reader that stops, has gone, or a disk that is full
costs lines, which are counted, and told once they flow again.
"""

import atexit
import os
from _queue import SimpleQueue  # the native one, also where gevent replaces queue's
from _thread import LockType, RLock, allocate_lock, start_new_thread  # taken before gevent patches
from collections.abc import Callable, Iterator
from contextlib import suppress
from select import POLLOUT, poll
from time import sleep
from typing import TypeAlias

from config.roster import Cell, own_cell

# PIPE_BUF: a pipe takes so much whole or not at all, so that workers' lines do not mix (pipe(7)).
WRITE_BYTES = 4096

# A few megabytes of lines, and some seconds at full speed.
QUEUE_LINES = 4096

# Lines of so long go out together: a write for each would cost more than the line.
COLLECT_S = 0.01

# What a process waits for at its end, so that its last lines are read.
FLUSH_S = 2.0

# How long a descriptor that somebody made non-blocking is waited for at once.
POLL_MS = 100

Item: TypeAlias = "bytes | LockType"


class LineWriter:
    """
    Writes lines to *descriptor*, each whole or not at all.

    *tell* makes the line that says how many were dropped; `dropped` is told each number at once.
    The cell `waiting` has how many lines are not written yet.
    """

    def __init__(self, descriptor: int, tell: Callable[[int], bytes]) -> None:
        self._descriptor = descriptor
        self._tell = tell
        self.dropped: Callable[[int], None] = lambda _lines: None
        self._begin()
        os.register_at_fork(after_in_child=self._begin)
        atexit.register(self.flush)

    def _begin(self) -> None:
        """Start empty: what waits when a process forks is the parent's to write."""
        self._queue: SimpleQueue[Item] = SimpleQueue()
        self._lock = RLock()  # of signals' handlers as well
        self.waiting = own_cell()
        self._runs = False
        # A copy of one that the parent waits with would be taken for in use, for ever.
        self._room = poll()
        self._room.register(self._descriptor, POLLOUT)
        self._untold = 0
        self._torn = False

    def put(self, line: bytes) -> None:
        """Hand over a line without its end. Never waits, never raises."""
        if not self._runs:
            self._start()
        if self._queue.qsize() >= QUEUE_LINES:
            self._drop(1)
        else:
            with self._lock:
                self._queue.put(line)
                self.waiting[0] += 1

    def count_in(self, cell: Cell) -> None:
        """Let *cell* be that of the lines that wait, for others to see."""
        with self._lock:
            cell[0], self.waiting = self.waiting[0], cell

    def flush(self, limit_s: float = FLUSH_S) -> None:
        """Wait until what has been handed over is written, but not longer than *limit_s*."""
        if not self._runs:
            return
        written = allocate_lock()
        written.acquire()
        self._queue.put(written)
        written.acquire(timeout=limit_s)

    def _start(self) -> None:
        with self._lock:
            if not self._runs:
                with suppress(RuntimeError):  # the interpreter ends, and takes no more threads
                    start_new_thread(self._run, ())
                    self._runs = True

    def _run(self) -> None:
        while True:
            items = [self._queue.get()]
            if not isinstance(items[0], LockType):
                sleep(COLLECT_S)
            while not self._queue.empty():
                items.append(self._queue.get())
            self._write([item for item in items if not isinstance(item, LockType)])
            for item in items:
                if isinstance(item, LockType):
                    item.release()

    def _write(self, lines: list[bytes]) -> None:
        for packed, count in _packed(lines):
            with suppress(OSError):
                self._await_room()
            # Told before, not after: there the interpreter may keep this thread waiting, and a
            # process that is killed then would be said to have lost lines that are written.
            with self._lock:
                self.waiting[0] -= count
            try:
                self._write_whole(packed)
            except OSError:
                self._drop(count)
            else:
                self._tell_dropped()

    def _tell_dropped(self) -> None:
        dropped = self._untold
        if dropped:
            with suppress(OSError):
                self._write_whole(self._tell(dropped) + b"\n")
                with self._lock:
                    self._untold -= dropped

    def _write_whole(self, packed: bytes) -> None:
        """Write all of *packed*; what a full disk has cut ends before the next line begins."""
        left = b"\n" + packed if self._torn else packed
        whole_bytes = len(left)
        try:
            while left:
                left = left[self._write_some(left) :]
            self._torn = False
        finally:
            self._torn = self._torn or 0 < len(left) < whole_bytes

    def _write_some(self, data: bytes) -> int:
        while True:
            try:
                return os.write(self._descriptor, data)
            except BlockingIOError:
                self._await_room()

    def _await_room(self) -> None:
        """Wait until a pipe takes a whole write, or a moment; a file always does."""
        while not self._room.poll(POLL_MS):
            pass

    def _drop(self, lines: int) -> None:
        with self._lock:
            self._untold += lines
        with suppress(Exception):
            self.dropped(lines)


def _packed(lines: list[bytes]) -> Iterator[tuple[bytes, int]]:
    """Lines with their ends, as many together as one write takes, and how many they are."""
    packed, count = b"", 0
    for line in lines:
        if count and len(packed) + len(line) + 1 > WRITE_BYTES:
            yield packed, count
            packed, count = b"", 0
        packed += line + b"\n"
        count += 1
    if count:
        yield packed, count
