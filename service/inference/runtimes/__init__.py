"""What runs a model. A framework is imported only when a model that needs it is opened."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from service.inference.tensors import Tensors, TensorSpec

BACKENDS = {"onnx": "service.inference.runtimes.onnx:OnnxRuntime"}


class Runtime(Protocol):
    """What a backend gives the service."""

    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]

    def predict(self, inputs: Tensors) -> Tensors:
        """Answer a whole batch; row i of each output belongs to row i of the inputs."""


def open_runtime(platform: str, artefact: Path) -> Runtime:
    """Open *artefact* with the backend of *platform*; whatever the framework raises passes on."""
    module, _, name = BACKENDS[platform].partition(":")
    return cast("Runtime", getattr(import_module(module), name)(artefact))
