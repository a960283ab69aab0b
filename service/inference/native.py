"""Native threads, a few for each model: what blocks or computes runs there, off the event loop."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from time import monotonic
from typing import TypeAlias, TypeVar

from service.errors import DeadlineExceeded

T = TypeVar("T")
ExecutorFactory: TypeAlias = Callable[[int], Executor]


class NativeThreads:
    """A bounded number of threads, given in the order of asking."""

    def __init__(self, factory: ExecutorFactory, count: int) -> None:
        """*factory* makes an executor of so many native threads."""
        self._executor = factory(count)
        self._free = threading.Semaphore(count)

    def run(self, work: Callable[[], T], deadline_s: float | None = None) -> T:
        """
        Do *work* in one of the threads, and return or raise what it does.

        Raises DeadlineExceeded when *deadline_s* (by `time.monotonic`) has passed; work that has
        begun keeps its thread until it ends.
        """
        if not self._free.acquire(timeout=_left_s(deadline_s)):
            raise _too_late()
        future = self._executor.submit(_attempt, work)
        try:
            done, raised = future.result(_left_s(deadline_s))
        except BaseException as error:
            # Whoever asked leaves, and another waits in its place: a callback could not release,
            # since gevent would call it in its event loop, where nothing may block.
            threading.Thread(target=self._release_after, args=(future,), daemon=True).start()
            if isinstance(error, TimeoutError):
                raise _too_late() from None
            raise
        self._free.release()
        if raised is not None:
            try:
                raise raised
            finally:
                # What was raised holds this frame by its traceback: a circle would keep the
                # request's body until the collector comes.
                del raised, future
        return done  # type: ignore[return-value]  # only None if that is what work returns

    def _release_after(self, future: "Future[object]") -> None:
        future.result()
        self._free.release()


def _attempt(work: Callable[[], T]) -> tuple[T | None, Exception | None]:
    """Return what *work* raises: gevent's pool would print it, with what it was about."""
    try:
        return work(), None
    except Exception as error:  # noqa: BLE001  # raised again where it was asked
        return None, error
    except BaseException as error:  # noqa: BLE001  # sys.exit() is not for whoever asked
        return None, RuntimeError(f"{type(error).__name__} in a thread: {error}")


def _left_s(deadline_s: float | None) -> float | None:
    return None if deadline_s is None else max(0.0, deadline_s - monotonic())


def _too_late() -> DeadlineExceeded:
    return DeadlineExceeded("no thread did this within the time that this request had")
