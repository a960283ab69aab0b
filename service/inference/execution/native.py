"""Native threads, a few for each model: what blocks or computes runs there, off the event loop."""

import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextvars import copy_context
from time import monotonic
from traceback import extract_stack
from types import FrameType
from typing import TypeAlias, TypeVar

from service.errors import DeadlineExceeded
from service.inference.execution.places import Places

T = TypeVar("T")
ExecutorFactory: TypeAlias = Callable[[int], Executor]
Running: TypeAlias = dict[object, tuple[FrameType, float]]

# The innermost frames of a thread that hangs.
STACK_FRAMES = 20


class NativeThreads:
    """A bounded number of threads, given in the order of asking."""

    def __init__(self, factory: ExecutorFactory, count: int) -> None:
        """*factory* makes an executor of so many native threads."""
        self._executor = factory(count)
        self._count = count
        self._places = Places(count)
        self._running: Running = {}

    def run(self, work: Callable[[], T], deadline_s: float | None = None) -> T:
        """
        Do *work* in one of the threads, and return or raise what it does.

        Raises DeadlineExceeded when *deadline_s* (by `time.monotonic`) has passed; work that has
        begun keeps its thread until it ends.
        """
        if not self._places.take(_left_s(deadline_s)):
            raise _too_late()
        # Lines of the log that the work writes are about whoever asked for it.
        future = self._executor.submit(copy_context().run, _attempt, work, self._running)
        try:
            done, raised = future.result(_left_s(deadline_s))
        except BaseException as error:
            # Whoever asked leaves, and another waits in its place: a callback could not release,
            # since gevent would call it in its event loop, where nothing may block.
            threading.Thread(target=self._release_after, args=(future,), daemon=True).start()
            if isinstance(error, TimeoutError):
                raise _too_late() from None
            raise
        self._places.give()
        if raised is not None:
            try:
                raise raised
            finally:
                # What was raised holds this frame by its traceback: a circle would keep the
                # request's body until the collector comes.
                del raised, future
        return done  # type: ignore[return-value]  # only None if that is what work returns

    def close(self) -> None:
        """Let the threads end, each when it has done what it has begun."""
        self._executor.shutdown(wait=False)

    @property
    def waiting(self) -> int:
        """How many wait for one of the threads."""
        return self._places.waiting

    def is_stalled(self, limit_s: float) -> bool:
        """Tell whether every thread is in work that has taken more than *limit_s*."""
        if len(self._running) < self._count:
            return False
        since_s = monotonic() - limit_s
        return all(started_s < since_s for _, started_s in list(self._running.values()))

    def stacks(self) -> list[str]:
        """Where the threads are now, outermost frame first: `file:line function`."""
        begun = {id(frame) for frame, _ in list(self._running.values())}
        lines: list[str] = []
        for top in sys._current_frames().values():  # noqa: SLF001  # documented, and the only way
            frame: FrameType | None = top
            while frame is not None and id(frame) not in begun:
                frame = frame.f_back
            if frame is not None:
                lines += [
                    f"{one.filename}:{one.lineno} {one.name}"
                    for one in extract_stack(top)[-STACK_FRAMES:]
                ]
        return lines

    def _release_after(self, future: "Future[object]") -> None:
        future.result()
        self._places.give()


def _attempt(work: Callable[[], T], running: Running) -> tuple[T | None, Exception | None]:
    """Return what *work* raises: gevent's pool would print it, with what it was about."""
    mark = object()
    running[mark] = sys._getframe(), monotonic()  # noqa: SLF001  # to be found by `stacks`
    try:
        return work(), None
    except Exception as error:  # noqa: BLE001  # raised again where it was asked
        return None, error
    except BaseException as error:  # noqa: BLE001  # sys.exit() is not for whoever asked
        return None, RuntimeError(f"{type(error).__name__} in a thread: {error}")
    finally:
        del running[mark]


def _left_s(deadline_s: float | None) -> float | None:
    return None if deadline_s is None else max(0.0, deadline_s - monotonic())


def _too_late() -> DeadlineExceeded:
    return DeadlineExceeded("no thread did this within the time that this request had")
