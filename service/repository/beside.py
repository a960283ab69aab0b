"""Work that waits for a disk, in a native thread: the event loop goes on meanwhile."""

from collections.abc import Callable
from time import monotonic
from typing import TypeVar

from service.inference.execution.native import ExecutorFactory, NativeThreads

T = TypeVar("T")


class Beside:
    """Does one piece of work after another, each within *limit_s*."""

    def __init__(self, factory: ExecutorFactory, limit_s: float) -> None:
        """*factory* makes an executor of native threads."""
        self._threads, self._limit_s = NativeThreads(factory, 1), limit_s

    def __call__(self, work: Callable[[], T]) -> T:
        """Return or raise what *work* does. Raises DeadlineExceeded."""
        return self._threads.run(work, monotonic() + self._limit_s)
