"""
One version of a model: loaded, warmed, asked.

Nothing here knows what kind of threads it is called in: under the service's worker they are
greenlets, which only wait, and the work is done in native threads or in another process.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Literal, TypeAlias, TypeVar

import numpy as np

from service.errors import ModelFailed, ModelLoading, ModelUnavailable
from service.inference import manifest, signature
from service.inference.batching import Batcher
from service.inference.execution import Execution
from service.inference.execution.launch import Launcher
from service.inference.execution.process import ProcessExecution
from service.inference.execution.thread import ThreadExecution
from service.inference.host import LOAD_LIMIT_S, Brief
from service.inference.jobs import Answered
from service.inference.manifest import Manifest
from service.inference.native import ExecutorFactory, NativeThreads
from service.inference.runtimes import open_runtime
from service.inference.signature import Signature
from service.inference.tensors import Tensors

T = TypeVar("T")

State: TypeAlias = Literal["loading", "ready", "failed", "overrunning"]


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """
    What the service gives every model to live in.

    *threads* native threads each for calls, and as many to decode, from *native_threads*.
    *meeting_place* is the private directory where workers meet their models' processes, which get
    *variables* and, where model.toml says nothing else, *memory_limit_bytes*; *json_lines* is the
    form of what they print. *ran* is told the model, its version, each batch's rows and seconds;
    *died* the model, its version and how its process ended.
    """

    native_threads: ExecutorFactory
    threads: int
    limit_pixels: int
    meeting_place: Callable[[], Path]
    memory_limit_bytes: int
    variables: Mapping[str, str]
    json_lines: bool
    ran: Callable[[str, str, int, float], None]
    died: Callable[[str, str, str], None]


class Model:
    """A folder of the repository and, once it has loaded, what answers for it."""

    def __init__(self, name: str, folder: Path, surroundings: Surroundings) -> None:
        """The *folder* is the version's own where it does not bear the model's *name*."""
        self.name = name
        self.version = "" if folder.name == name else folder.name
        self.load_ms = 0.0
        self._state: State = "loading"
        self._reason = ""
        self._folder = folder
        self._surroundings = surroundings
        # Calls have threads of their own: in a common queue they would stand behind the pictures
        # that wait to be decoded, and nothing that is begun would end in time.
        self._calls = NativeThreads(surroundings.native_threads, surroundings.threads)
        self._threads = NativeThreads(surroundings.native_threads, surroundings.threads)
        self._manifest: Manifest | None = None
        self._signature: Signature | None = None
        self._execution: Execution | None = None
        self._batcher: Batcher | None = None

    @property
    def state(self) -> State:
        """Whether it can answer now."""
        if self._execution and self._execution.failure:
            return "failed"
        if self._batcher and self._batcher.is_stalled:
            return "overrunning"
        return self._state

    @property
    def reason(self) -> str:
        """Why it cannot answer; empty if it can."""
        if self._execution and self._execution.failure:
            return self._execution.failure
        if self.state == "overrunning":
            return "every call overruns its limit"
        return self._reason

    @property
    def manifest(self) -> Manifest:
        """What model.toml says. Raises ModelLoading or ModelUnavailable while nothing answers."""
        if self._manifest is None:
            raise self._absent()
        return self._manifest

    @property
    def signature(self) -> Signature:
        """What it takes and gives; raises like `manifest`."""
        if self._signature is None:
            raise self._absent()
        return self._signature

    def decode(self, work: Callable[[], T], *, deadline_s: float) -> T:
        """
        Do *work*, which prepares one row, in native threads of the model's.

        Raises what *work* raises, and what `ask` raises at once.
        """
        if self._batcher is None:
            raise self._absent()
        with self._batcher.preparing(1, deadline_s):
            return self._threads.run(work, deadline_s)

    def ask(self, inputs: Tensors, *, deadline_s: float, gone: Callable[[], bool]) -> Answered:
        """
        Wait for the answer to the rows of *inputs*, until *deadline_s* (by `time.monotonic`).

        Raises ModelLoading or ModelUnavailable if there is nothing to ask, ModelFailed also for a
        number that is not finite, and what `Batcher.ask` raises.
        """
        if self._batcher is None:
            raise self._absent()
        answered = self._batcher.ask(inputs, deadline_s=deadline_s, gone=gone)
        self._check_finite(answered.outputs)
        return answered

    def load(self) -> None:
        """Read the folder, open the artefact, warm it with the example; only then it is ready."""
        started_s = monotonic()
        try:
            self._open()
        except Exception as error:  # noqa: BLE001  # a framework may raise anything
            said = str(error) or type(error).__name__
            self._state, self._reason = "failed", said.splitlines()[0]
            self.close()
        else:
            self._state, self._reason = "ready", ""
        self.load_ms = (monotonic() - started_s) * 1000

    def close(self) -> None:
        """Let go of what answers."""
        if self._execution:
            self._execution.close()
            self._execution = None

    def _open(self) -> None:
        told = self._threads.run(self._read)
        self._execution = self._threads.run(lambda: self._prepare(told))
        specs = self._execution.open()
        around = self._surroundings
        settled = self._threads.run(
            lambda: signature.build(told, specs.inputs, specs.outputs, around.limit_pixels)
        )
        batcher = Batcher(
            self._execution,
            batch_rows=told.serve.batch_rows,
            queue_rows=told.serve.queue_rows,
            call_limit_s=told.serve.deadline_ms / 1000,
            ran=lambda rows, infer_s: around.ran(self.name, self.version, rows, infer_s),
            died=lambda reason: around.died(self.name, self.version, reason),
        )
        self._warm(settled, batcher)
        self._manifest, self._signature, self._batcher = told, settled, batcher

    def _read(self) -> Manifest:
        told = manifest.read(self._folder)
        self.version = self.version or told.version
        return replace(told, name=self.name, version=self.version)

    def _prepare(self, told: Manifest) -> Execution:
        around = self._surroundings
        if told.serve.execution == "thread":
            return ThreadExecution(
                lambda: open_runtime(told.platform, told.artefact, told.options),
                self._calls,
                lanes=around.threads,
            )
        memory_mb = told.serve.memory_mb
        brief = Brief(
            model=self.name,
            platform=told.platform,
            file=str(told.artefact),
            options=told.options,
            call_limit_s=told.serve.deadline_ms / 1000,
            memory_limit_bytes=memory_mb << 20 if memory_mb else around.memory_limit_bytes,
            json_lines=around.json_lines,
        )
        return ProcessExecution(Launcher(brief, around.meeting_place(), around.variables))

    def _warm(self, settled: Signature, batcher: Batcher) -> None:
        """Ask the golden example through the whole path."""
        try:
            answered = batcher.ask(
                self._threads.run(settled.golden).inputs,
                deadline_s=monotonic() + LOAD_LIMIT_S,
                gone=lambda: False,
            )
            self._check_finite(answered.outputs)
            settled.answers(answered.outputs)
        except BaseException:
            batcher.close()
            raise

    def _check_finite(self, outputs: Tensors) -> None:
        for name, array in outputs.items():
            if array.dtype.kind in "fc" and not np.isfinite(array).all():
                raise ModelFailed(
                    f"the model {self.name!r} answered with a number that is not finite, "
                    f"in its output {name!r}"
                )

    def _absent(self) -> ModelLoading | ModelUnavailable:
        if self._state == "failed":
            return ModelUnavailable(
                f"the model {self.name!r} could not be loaded; it is tried again"
            )
        return ModelLoading(f"the model {self.name!r} is still loading; try again shortly")
