"""
Work that would keep every connection waiting goes to a native thread, a piece after another.

Parsers hold the interpreter for as long as they take, in whichever thread they run. So the thread
rests after each piece for as long as that has computed: the others have their share, whoever sends.
"""

from collections.abc import Callable
from time import monotonic, thread_time
from typing import TypeVar

from gevent import monkey

from service.inference.execution.native import ExecutorFactory, NativeThreads

T = TypeVar("T")


class Aside:
    """One thread: two at once would only wait for each other."""

    def __init__(self, factory: ExecutorFactory) -> None:
        """*factory* makes an executor of native threads."""
        self._threads = NativeThreads(factory, 1)
        self._sleep: Callable[[float], None] = monkey.get_original("time", "sleep")
        self._rested_s = 0.0

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return self._threads.waiting

    def run(self, work: Callable[[], T], deadline_s: float) -> T:
        """Do *work* when its turn has come, or raise DeadlineExceeded."""
        return self._threads.run(lambda: self._after_rest(work), deadline_s)

    def _after_rest(self, work: Callable[[], T]) -> T:
        self._sleep(max(0.0, self._rested_s - monotonic()))
        started_s = thread_time()
        try:
            return work()
        finally:
            self._rested_s = monotonic() + thread_time() - started_s
