"""
One version of a model: loaded, warmed, asked.

Nothing here knows what kind of threads it is called in: under the service's worker they are
greenlets, which only wait, and the work is done in native threads or in another process.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Literal, TypeAlias

from service.errors import (
    DeadlineExceeded,
    LoadTimeout,
    ModelLoading,
    ModelUnavailable,
    ProcessEnded,
    public_reason,
)
from service.inference.batching.batcher import Batcher
from service.inference.batching.queue import Prediction
from service.inference.execution import Execution
from service.inference.execution.native import NativeThreads
from service.inference.housing import house, prepare
from service.inference.manifest.manifest import Manifest
from service.inference.manifest.reading import MODEL_TOML, read_manifest
from service.inference.mapping.prepared import Prepared
from service.inference.payload import Payload
from service.inference.preparing import prepared_by
from service.inference.repository import Unchanged
from service.inference.resources import ModelResources, ModelUsage
from service.inference.signature.signature import Signature, build_signature
from service.inference.tensors import check_finite
from service.inference.warming import Golden, warm

State: TypeAlias = Literal["loading", "ready", "failed", "overrunning"]


class Model:
    """A folder of the repository and, once it has loaded, what answers for it."""

    def __init__(self, name: str, folder: Path, resources: ModelResources) -> None:
        """
        The *folder* is the version's own where it does not bear the model's *name*.

        One that *is_retired* answers its *users*, who count themselves, and is then closed.
        """
        self.name = name
        self.version = "" if folder.name == name else folder.name
        self.load_ms = 0.0
        self.stack: tuple[str, ...] = ()
        self.prepared: Prepared | None = None
        self.users, self.is_retired = 0, False
        self._state: State = "loading"
        self._reason = self.log_reason = ""
        self._folder = folder
        self._resources = resources
        self._take_threads()
        self._manifest: Manifest | None = None
        self._signature: Signature | None = None
        self._golden: Golden | None = None
        self._execution: Execution | None = None
        self._batcher: Batcher | None = None

    @property
    def state(self) -> State:
        """Whether it can answer now."""
        if self._execution and self._execution.failure:
            return "failed"
        if self._batcher and (self._batcher.is_stalled or self._is_decoding_stalled()):
            return "overrunning"
        return self._state

    @property
    def reason(self) -> str:
        """Why it cannot answer, as anybody may know it; empty if it can."""
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

    @property
    def golden(self) -> Golden:
        """What it has answered to the example; raises like `manifest`."""
        if self._golden is None:
            raise self._absent()
        return self._golden

    def answer(
        self, payload: Payload, *, deadline_s: float, gone: Callable[[], bool]
    ) -> Prediction:
        """
        Read *payload* and wait for the answer to it, until *deadline_s* (by `time.monotonic`).

        Raises ModelLoading or ModelUnavailable if there is nothing to ask, what reading raises,
        NoRoom or TooLarge, what `Batcher.ask` raises, and ModelFailed for a number that is not
        finite.
        """
        batcher = self._batcher
        if batcher is None:
            raise self._absent()
        if payload.is_heavy:
            is_stalled = self._is_decoding_stalled
            inputs = prepared_by(self._threads, batcher, is_stalled, payload, deadline_s).inputs
        else:
            inputs = payload.read().inputs
        deadline_s = min(deadline_s, payload.deadline_s)
        payload.hold(sum(array.nbytes for array in inputs.values()), deadline_s)
        answered = batcher.ask(inputs, deadline_s=deadline_s, gone=gone, trip=payload.trip)
        check_finite(answered.outputs, self.name)
        return answered

    @property
    def queued_rows(self) -> int:
        """Rows that wait for it, are prepared for it or are in it."""
        return self._batcher.queued_rows if self._batcher else 0

    @property
    def usage(self) -> ModelUsage:
        """What it takes of the machine."""
        execution, found = self._execution, self.prepared
        return ModelUsage(
            process=execution.process if execution else 0,
            mapped_bytes=found.mapped_bytes if found else 0,
            waiting_requests=self._threads.waiting,
        )

    def load(self) -> None:
        """Read the folder, open the artefact, warm it with the example; only then it is ready."""
        started_s = monotonic()
        if self.is_outdated:
            self.close()
            self._state = "loading"
        try:
            self._open(started_s + self._resources.load_limit_s)
        except Exception as error:  # noqa: BLE001  # a framework may raise anything
            self._fail(error)
            self.close()
        else:
            self._state, self._reason, self.log_reason, self.stack = "ready", "", "", ()
        self.load_ms = (monotonic() - started_s) * 1000

    @property
    def is_outdated(self) -> bool:
        """Whether it has to be loaded again, for what it was loaded from is no longer there."""
        return bool(self._execution and self._execution.is_outdated)

    def close(self) -> None:
        """Let go of what answers."""
        if self._execution:
            self._execution.close()
        if self._batcher:
            self._batcher.close()
        self._execution = self._batcher = None

    def retire(self) -> None:
        """Let go of what answers and of the threads, for it is asked no more; waits for its end."""
        self.is_retired, execution = True, self._execution
        self.close()
        self._threads.close()
        self._calls.close()
        if execution:
            execution.bury()

    def _fail(self, error: Exception) -> None:
        """Say why it has not loaded; threads that hang are left, with a note of where they are."""
        if isinstance(error, DeadlineExceeded):
            stacks = (*self._threads.stacks(), *self._calls.stacks())
            error = LoadTimeout(self._resources.load_limit_s, stacks)
            self._take_threads()
        if isinstance(error, ProcessEnded) and error.is_news:
            self._resources.died(self.name, self.version, "loading", str(error))
        self.stack = error.stack if isinstance(error, LoadTimeout) else ()
        self.log_reason = str(error) or type(error).__name__
        self._state, self._reason = "failed", public_reason(error).splitlines()[0]

    def _take_threads(self) -> None:
        # Calls have threads of their own: in a common queue they would stand behind the pictures
        # that wait to be decoded, and nothing that is begun would end in time.
        native, threads = self._resources.native_threads, self._resources.threads
        self._calls, self._threads = NativeThreads(native, threads), NativeThreads(native, threads)

    def _is_decoding_stalled(self) -> bool:
        return self._threads.is_stalled(self.manifest.serve.deadline_ms / 1000)

    def _open(self, deadline_s: float) -> None:
        unchanged = Unchanged(self._folder / MODEL_TOML)
        manifest = self._threads.run(self._read, deadline_s)
        unchanged.add(manifest.artefact)
        self.prepared = self._threads.run(
            lambda: prepare(self._folder, manifest, self._resources, deadline_s), deadline_s
        )
        self._execution = self._threads.run(
            lambda: house(manifest, self.prepared, self._resources, self._calls), deadline_s
        )
        specs = self._execution.open(deadline_s)
        unchanged.check()
        around = self._resources
        signature = self._threads.run(
            lambda: build_signature(manifest, specs.inputs, specs.outputs, around.limit_pixels),
            deadline_s,
        )
        batcher = Batcher(
            self._execution,
            batch_rows=manifest.serve.batch_rows,
            queue_rows=manifest.serve.queue_rows,
            call_limit_s=manifest.serve.deadline_ms / 1000,
            ran=self._ran,
            died=lambda stage, how: around.died(self.name, self.version, stage, how),
        )
        golden = self._threads.run(signature.golden, deadline_s)
        self._golden = warm(self.name, signature, golden, batcher, deadline_s)
        self._manifest, self._signature, self._batcher = manifest, signature, batcher

    def _ran(self, rows: int, infer_s: float) -> None:
        """Tell of a call; those that warm it are nobody's."""
        if self._batcher:
            self._resources.ran(self.name, self.version, rows, infer_s)

    def _read(self) -> Manifest:
        manifest = read_manifest(self._folder)
        self.version = manifest.version if self._folder.name == self.name else self.version
        return replace(manifest, name=self.name, version=self.version)

    def _absent(self) -> ModelLoading | ModelUnavailable:
        if self._state == "failed":
            failed = f"the model {self.name!r} could not be loaded; it is tried again"
            return ModelUnavailable(failed)
        return ModelLoading(f"the model {self.name!r} is still loading; try again shortly")
