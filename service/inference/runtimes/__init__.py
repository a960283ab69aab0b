"""What runs a model. A framework is imported only when a model that needs it is opened."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

Tensors: TypeAlias = Mapping[str, NDArray[Any]]

BACKENDS = {"onnx": "service.inference.runtimes.onnx:OnnxRuntime"}


@dataclass(frozen=True)
class TensorSpec:
    """An input or output of a model; -1 in *shape* is a dimension of any size."""

    name: str
    datatype: np.dtype[Any]
    shape: tuple[int, ...]


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
