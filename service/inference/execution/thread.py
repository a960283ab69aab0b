"""Calls in native threads of the worker: for libraries that release the GIL and do not crash."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from time import monotonic, perf_counter

from service.errors import DeadlineExceeded
from service.inference.execution import ArtefactSpecs, CallResult
from service.inference.execution.native import NativeThreads
from service.inference.execution.quarantine import Quarantine
from service.inference.runtimes import Runtime
from service.inference.tensors import Tensors

# Of its time, what a load waits for another: one that hangs must not keep all others from theirs.
PATIENCE_SHARE = 0.5


class ThreadExecution:
    """The model lives in this process; a call that hangs keeps its thread until it returns."""

    # Of two threads that import modules which import one another, one is given a module that is
    # half made (importlib resolves a deadlock so), and what it imports stays broken.
    _opening = Lock()

    quarantine: Quarantine | None = None
    failure = ""
    process = 0
    is_outdated = False

    def __init__(
        self, open_runtime: Callable[[], Runtime], threads: NativeThreads, lanes: int
    ) -> None:
        """*threads* are the model's own: no other model waits for what hangs in them."""
        self.lanes = lanes
        self._open_runtime = open_runtime
        self._threads = threads

    def open(self, deadline_s: float) -> ArtefactSpecs:
        """Load the model in one of the threads, which one that hangs keeps; after the others."""
        with self._alone((deadline_s - monotonic()) * PATIENCE_SHARE):
            self._runtime = self._threads.run(self._open_runtime, deadline_s)
        return ArtefactSpecs(self._runtime.inputs, self._runtime.outputs)

    @contextmanager
    def _alone(self, patience_s: float) -> Iterator[None]:
        """While no other loads in this process, unless one takes longer than *patience_s*."""
        is_alone = self._opening.acquire(timeout=max(0.0, patience_s))
        try:
            yield
        finally:
            if is_alone:
                self._opening.release()

    def execute(self, inputs: Tensors, deadline_s: float) -> CallResult:
        """Run the batch in one of the threads, and wait for it however long it takes."""
        return self._threads.run(lambda: self._call(inputs, deadline_s))

    def _call(self, inputs: Tensors, deadline_s: float) -> CallResult:
        if monotonic() > deadline_s:
            raise DeadlineExceeded("no thread was free within the time that this request had")
        started = perf_counter()
        outputs = self._runtime.predict(inputs)
        return CallResult(outputs, perf_counter() - started, done_s=monotonic())

    def is_lost(self) -> bool:
        """Never: it ends with the worker."""
        return False

    def how_it_ended(self) -> str:
        """Nothing to tell."""
        return ""

    def recover(self, failed: Callable[[str], None]) -> str:  # noqa: ARG002  # as there
        """Nothing to do: what lives in the worker dies with it."""
        return ""

    def delay_s(self) -> float:
        """Nothing is ever in the way."""
        return 0.0

    def close(self) -> None:
        """Nothing to do: the threads end with the worker."""

    def bury(self) -> None:
        """Nothing is left."""
