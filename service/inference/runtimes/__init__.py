"""What runs a model. A framework is imported only when a model that needs it is opened."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from service.inference.tensors import Tensors, TensorSpec

BACKENDS = {
    "onnx": "service.inference.runtimes.onnx:OnnxRuntime",
    "python": "service.inference.runtimes.python:PythonRuntime",
}


class Runtime(Protocol):
    """What a backend gives the service."""

    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]

    def predict(self, inputs: Tensors) -> Tensors:
        """Answer a whole batch; row i of each output belongs to row i of the inputs."""


def open_runtime(platform: str, artefact: Path, options: Mapping[str, Any]) -> Runtime:
    """
    Open *artefact* with the backend of *platform*, which takes *options*.

    Whatever the framework raises passes on.
    """
    module, _, name = BACKENDS[platform].partition(":")
    return cast("Runtime", getattr(import_module(module), name)(artefact, **options))
