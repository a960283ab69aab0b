"""
One version of a model: loaded, warmed, asked.

Nothing here knows what kind of threads it is called in: under the service's worker they are
greenlets, which only wait, and the work is done in native threads or in another process.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Literal, TypeAlias, TypeVar

import numpy as np

from service.errors import (
    InvalidModel,
    ModelFailed,
    ModelLoading,
    ModelUnavailable,
)
from service.inference import images, manifest
from service.inference.batching import Batcher
from service.inference.classification import classify
from service.inference.execution import Execution, Specs
from service.inference.execution.launch import Launcher
from service.inference.execution.process import ProcessExecution
from service.inference.execution.thread import ThreadExecution
from service.inference.host import LOAD_LIMIT_S, Brief
from service.inference.jobs import Answered
from service.inference.manifest import Manifest
from service.inference.native import ExecutorFactory, NativeThreads
from service.inference.runtimes import open_runtime
from service.inference.tensors import Tensors

T = TypeVar("T")

State: TypeAlias = Literal["loading", "ready", "failed", "overrunning"]


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """
    What the service gives every model to live in.

    *threads* native threads each, from *native_threads*; *meeting_place* is the private directory
    where workers meet their models' processes, which get *variables* and, where model.toml says
    nothing else, *memory_limit_bytes*; *json_lines* is the form of what they print. *ran* is told
    the model, its version, and each batch's rows and seconds.
    """

    native_threads: ExecutorFactory
    threads: int
    limit_pixels: int
    meeting_place: Callable[[], Path]
    memory_limit_bytes: int
    variables: Mapping[str, str]
    json_lines: bool
    ran: Callable[[str, str, int, float], None]


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
        self._threads = NativeThreads(surroundings.native_threads, surroundings.threads)
        self._manifest: Manifest | None = None
        self._specs: Specs | None = None
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
    def specs(self) -> Specs:
        """What the artefact says it takes and gives; raises like `manifest`."""
        if self._specs is None:
            raise self._absent()
        return self._specs

    def decode(self, work: Callable[[], T], *, deadline_s: float) -> T:
        """
        Do *work*, which prepares one row, in the model's native threads.

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
        for name, array in answered.outputs.items():
            if array.dtype.kind in "fc" and not np.isfinite(array).all():
                raise ModelFailed(
                    f"the model {self.name!r} answered with a number that is not finite, "
                    f"in its output {name!r}"
                )
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
        _agree(told, specs)
        batcher = Batcher(
            self._execution,
            batch_rows=told.serve.batch_rows,
            queue_rows=told.serve.queue_rows,
            call_limit_s=told.serve.deadline_ms / 1000,
            ran=lambda rows, infer_s: self._surroundings.ran(
                self.name, self.version, rows, infer_s
            ),
        )
        self._warm(told, batcher)
        self._manifest, self._specs, self._batcher = told, specs, batcher

    def _read(self) -> Manifest:
        told = manifest.read(self._folder)
        self.version = self.version or told.version
        return told

    def _prepare(self, told: Manifest) -> Execution:
        around = self._surroundings
        if told.serve.execution == "thread":
            return ThreadExecution(
                lambda: open_runtime(told.platform, told.artefact, told.options),
                self._threads,
                around.threads,
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

    def _warm(self, told: Manifest, batcher: Batcher) -> None:
        """Ask the golden example through the whole path."""
        try:
            example = self._threads.run(
                lambda: images.decode(
                    told.example.read_bytes(), told.image, self._surroundings.limit_pixels
                )
            )
            answered = batcher.ask(
                {told.input: example[None]},
                deadline_s=monotonic() + LOAD_LIMIT_S,
                gone=lambda: False,
            )
            classify(told, answered.outputs, 0)
        except BaseException:
            batcher.close()
            raise

    def _absent(self) -> ModelLoading | ModelUnavailable:
        if self._state == "failed":
            return ModelUnavailable(
                f"the model {self.name!r} could not be loaded; it is tried again"
            )
        return ModelLoading(f"the model {self.name!r} is still loading; try again shortly")


def _agree(told: Manifest, specs: Specs) -> None:
    """Raise InvalidModel where model.toml contradicts what the artefact says, with both values."""
    if not specs.inputs:
        return
    taken = specs.inputs.get(told.input)
    if taken is None:
        raise InvalidModel(
            f"model.toml names the input {told.input!r}, the artefact has {list(specs.inputs)}"
        )
    wanted = (*told.image.size, 3)
    if taken.shape[1:] != wanted or taken.datatype != "uint8":
        raise InvalidModel(
            f"model.toml's input {told.input!r} is uint8 {wanted} a row, "
            f"the artefact's is {taken.datatype} {taken.shape[1:]}"
        )
    for name, output in told.outputs.items():
        if name not in specs.outputs:
            raise InvalidModel(
                f"model.toml names the output {name!r}, the artefact has {list(specs.outputs)}"
            )
        columns = specs.outputs[name].shape[-1]
        if columns != len(output.labels):
            raise InvalidModel(
                f"model.toml gives output {name!r} {len(output.labels)} labels, "
                f"the artefact gives it {columns} columns"
            )
