"""
What is kept for the receiver on its way out: into a bounded queue, and out by one native thread.

The SDK's own batch processor starts a thread where it is made and again in each forked child,
which under gevent is a greenlet that has been seen to fail and to wait for ever. This one is begun
by the first span, and nobody ever waits for it.
"""

from _queue import SimpleQueue  # the native one, also where gevent replaces queue's
from _thread import RLock
from collections.abc import Callable
from time import monotonic
from typing import Generic, TypeVar

from gevent import monkey

from config.roster import Cell, own_cell

T = TypeVar("T")

LOOK_S = 0.05


class ExportQueue(Generic[T]):
    """
    Hands what is put to *export*, up to *batch* at once, every *delay_s* or when a batch is full.

    *export* tells whether the receiver has it all. What finds *most* waiting is dropped: `dropped`
    is told how many; the cell `waiting` has how many have not left yet.
    """

    def __init__(
        self, export: Callable[[list[T]], bool], *, most: int, batch: int, delay_s: float
    ) -> None:
        self._export, self._most, self._batch, self._delay_s = export, most, batch, delay_s
        self.dropped: Callable[[int], None] = lambda _items: None
        self.waiting = own_cell()
        self._queue: SimpleQueue[T] = SimpleQueue()
        self._lock = RLock()
        self._sleep: Callable[[float], None] = monkey.get_original("time", "sleep")
        self._runs = self._is_hasty = False
        self._taken = 0

    def put(self, item: T) -> None:
        """Hand over *item*. Never waits, never raises."""
        if not self._runs:
            self._start()
        if self._queue.qsize() >= self._most:
            self.dropped(1)
        else:
            with self._lock:
                self._queue.put(item)
                self.waiting[0] += 1

    def count_in(self, cell: Cell) -> None:
        """Let *cell* be that of the items that have not left, for others to see."""
        with self._lock:
            cell[0], self.waiting = self.waiting[0], cell

    def flush(self, limit_s: float) -> None:
        """Wait until all has left, but not longer than *limit_s*."""
        until_s = monotonic() + limit_s
        self._is_hasty = True
        while self._left and monotonic() < until_s:
            self._sleep(LOOK_S)

    @property
    def _left(self) -> int:
        return self._queue.qsize() + self._taken

    def _start(self) -> None:
        with self._lock:
            if not self._runs:
                self._runs = True
                monkey.get_original("_thread", "start_new_thread")(self._run, ())

    def _run(self) -> None:
        while True:
            items = [self._queue.get()]
            self._taken = 1
            self._wait_for_more()
            while len(items) < self._batch and not self._queue.empty():
                items.append(self._queue.get())
                self._taken += 1
            if not self._export(items):
                self.dropped(len(items))
            self._taken = 0
            with self._lock:
                self.waiting[0] -= len(items)

    def _wait_for_more(self) -> None:
        until_s = monotonic() + self._delay_s
        while self._left < self._batch and monotonic() < until_s and not self._is_hasty:
            self._sleep(LOOK_S)
