"""
The models that are served: found, opened, warmed, asked.

Opening and asking run in the threads of the executor that the factory hands in, so that a caller
on an event loop only waits. Nothing here knows what kind of threads they are.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Literal, TypeAlias

from service.errors import (
    InvalidModel,
    ModelFailed,
    ModelLoading,
    ModelUnavailable,
    Overloaded,
    UnknownModel,
)
from service.inference import images, manifest
from service.inference.classification import Classification, classify
from service.inference.manifest import Manifest
from service.inference.runtimes import Runtime, open_runtime

RETRY_FIRST_S, RETRY_MOST_S = 1.0, 60.0

State: TypeAlias = Literal["loading", "ready", "failed"]


@dataclass(frozen=True, slots=True)
class Prediction:
    """An answer and what it took: waiting for a thread, decoding the picture, the model itself."""

    answer: Classification
    wait_ms: float
    decode_ms: float
    infer_ms: float


class Model:
    """A folder of the repository and, once it has loaded, the runtime that answers for it."""

    def __init__(self, folder: Path, executor: Executor, limit_pixels: int) -> None:
        self.name = folder.name
        self.state: State = "loading"
        self.reason = ""
        self.load_ms = 0.0
        self._folder = folder
        self._executor = executor
        self._limit_pixels = limit_pixels
        self._manifest: Manifest | None = None
        self._runtime: Runtime | None = None
        self._places = threading.BoundedSemaphore()

    @property
    def manifest(self) -> Manifest:
        """What model.toml says. Raises ModelLoading or ModelUnavailable while nothing answers."""
        if self.state == "failed":
            raise ModelUnavailable(
                f"the model {self.name!r} could not be loaded; it is tried again"
            )
        if self._manifest is None:
            raise ModelLoading(f"the model {self.name!r} is still loading; try again shortly")
        return self._manifest

    @property
    def runtime(self) -> Runtime:
        """What answers. Raises ModelLoading or ModelUnavailable while there is none."""
        if self.state == "failed" or self._runtime is None:
            self.manifest  # noqa: B018  # raises
            raise ModelLoading(f"the model {self.name!r} is still loading; try again shortly")
        return self._runtime

    def classify(self, picture: bytes) -> Prediction:
        """
        Wait for the answer to one encoded picture.

        Raises Overloaded at once if as many wait as model.toml's `queue_rows`, ModelLoading or
        ModelUnavailable if there is nothing to ask, and what `images.decode` raises.
        """
        told, runtime = self.manifest, self.runtime
        if not self._places.acquire(blocking=False):
            raise Overloaded(
                f"{told.queue_rows} pictures wait for {self.name!r} already; "
                "try again after Retry-After seconds"
            )
        try:
            asked = perf_counter()
            outcome = self._executor.submit(self._attempt, told, runtime, picture, asked).result()
        finally:
            self._places.release()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def load(self) -> None:
        """Read the folder, open the runtime, warm it with the example; only then it is ready."""
        started = perf_counter()
        try:
            self._open()
        except Exception as error:  # noqa: BLE001  # a framework may raise anything
            said = str(error) or type(error).__name__
            self.state, self.reason = "failed", said.splitlines()[0]
        else:
            self.state, self.reason = "ready", ""
        self.load_ms = _ms_since(started)

    def _open(self) -> None:
        told = manifest.read(self._folder)
        runtime = open_runtime(told.platform, told.artefact)
        _agree(told, runtime)
        self._answer(told, runtime, told.example.read_bytes(), perf_counter())
        self._places = threading.BoundedSemaphore(told.queue_rows)
        self._manifest, self._runtime = told, runtime

    def _attempt(
        self, told: Manifest, runtime: Runtime, picture: bytes, asked: float
    ) -> Prediction | Exception:
        """Return what `_answer` raises: gevent's pool would print it, the picture included."""
        try:
            return self._answer(told, runtime, picture, asked)
        except Exception as error:  # noqa: BLE001  # raised again where it was asked
            return error

    def _answer(self, told: Manifest, runtime: Runtime, picture: bytes, asked: float) -> Prediction:
        wait_ms = _ms_since(asked)
        started = perf_counter()
        pixels = images.decode(picture, told.image, self._limit_pixels)
        decode_ms = _ms_since(started)
        started = perf_counter()
        try:
            outputs = runtime.predict({told.input: pixels[None]})
        except Exception as error:
            raise ModelFailed(f"the model {self.name!r} failed on this picture") from error
        infer_ms = _ms_since(started)
        return Prediction(classify(told, outputs, 0), wait_ms, decode_ms, infer_ms)


class Catalog:
    """Every model of a repository, by name."""

    def __init__(
        self,
        repository: Path,
        executor: Executor,
        limit_pixels: int,
        loaded: Callable[[Model], None],
    ) -> None:
        """Find the models and begin to load them; *loaded* is told when one's state changes."""
        folders = sorted(found.parent for found in repository.glob(f"*/{manifest.FILE}"))
        self._models = {folder.name: Model(folder, executor, limit_pixels) for folder in folders}
        self._executor = executor
        self._closed = threading.Event()
        for model in self:
            threading.Thread(target=self._keep_loading, args=(model, loaded), daemon=True).start()

    def _keep_loading(self, model: Model, loaded: Callable[[Model], None]) -> None:
        """Load *model*; while it fails, try again, ever more rarely, and tell each reason once."""
        wait_s, told = RETRY_FIRST_S, ""
        while True:
            self._executor.submit(model.load).result()
            if model.reason != told or model.state == "ready":
                told = model.reason
                loaded(model)
            if model.state == "ready":
                return
            if self._closed.wait(wait_s):
                return
            wait_s = min(2 * wait_s, RETRY_MOST_S)

    def close(self) -> None:
        """Try no failed model again."""
        self._closed.set()

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models.values())

    def find(self, name: str) -> Model:
        """Find the model *name*. Raises UnknownModel naming those that are served."""
        if name not in self._models:
            served = ", ".join(self._models) or "none"
            raise UnknownModel(f"no model named {name[:100]!r}; served here: {served}")
        return self._models[name]

    def unready(self) -> list[Model]:
        """Find the models that cannot answer now."""
        return [model for model in self if model.state != "ready"]


def _agree(told: Manifest, runtime: Runtime) -> None:
    """Raise InvalidModel where model.toml contradicts the artefact, with both values."""
    taken = runtime.inputs.get(told.input)
    if taken is None:
        raise InvalidModel(
            f"model.toml names the input {told.input!r}, the artefact has {list(runtime.inputs)}"
        )
    wanted = (*told.image.size, 3)
    if taken.shape[1:] != wanted or taken.datatype != "uint8":
        raise InvalidModel(
            f"model.toml's input {told.input!r} is uint8 {wanted} a row, "
            f"the artefact's is {taken.datatype} {taken.shape[1:]}"
        )
    for name, output in told.outputs.items():
        if name not in runtime.outputs:
            raise InvalidModel(
                f"model.toml names the output {name!r}, the artefact has {list(runtime.outputs)}"
            )
        columns = runtime.outputs[name].shape[-1]
        if columns != len(output.labels):
            raise InvalidModel(
                f"model.toml gives output {name!r} {len(output.labels)} labels, "
                f"the artefact gives it {columns} columns"
            )


def _ms_since(start: float) -> float:
    return (perf_counter() - start) * 1000
