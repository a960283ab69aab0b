"""What runs a model. A framework is imported only when a model that needs it is opened."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from service.errors import InvalidModel
from service.inference.runtimes import telemetry
from service.inference.tensors import Tensors, TensorSpec

BACKENDS = {
    "onnx": "service.inference.runtimes.onnx:OnnxRuntime",
    "python": "service.inference.runtimes.python:PythonRuntime",
    "sklearn": "service.inference.runtimes.sklearn:SklearnRuntime",
    "keras": "service.inference.runtimes.keras:KerasRuntime",
}

# Platforms whose framework is not installed with the service, and what installs it.
INSTALLS = {"sklearn": "make install-sklearn", "keras": "make install-keras"}


class Runtime(Protocol):
    """What a backend gives the service."""

    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]

    def predict(self, inputs: Tensors) -> Tensors:
        """Answer a whole batch; row i of each output belongs to row i of the inputs."""


def open_runtime(platform: str, artefact: Path, options: Mapping[str, Any]) -> Runtime:
    """
    Open *artefact* with the backend of *platform*, which takes *options*.

    Raises InvalidModel where the framework is not installed; whatever it raises passes on.
    """
    telemetry.switch_off()
    module, _, name = BACKENDS[platform].partition(":")
    try:
        backend = import_module(module)
    except ModuleNotFoundError as error:
        if platform not in INSTALLS:
            raise
        raise InvalidModel(
            f"models of platform {platform!r} need {error.name}, which is not installed; "
            f"type: {INSTALLS[platform]}"
        ) from None
    return cast("Runtime", getattr(backend, name)(artefact, **options))
