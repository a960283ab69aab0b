"""What runs a model. A framework is imported only when a model that needs it is opened."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from service.errors import InvalidModel
from service.inference import telemetry
from service.inference.runtimes.fixed_rows import FixedRows, fixed_rows
from service.inference.runtimes.own_code import let_import
from service.inference.tensors import Tensors, TensorSpec

BACKENDS = {
    "onnx": "service.inference.runtimes.onnx:OnnxRuntime",
    "python": "service.inference.runtimes.python:PythonRuntime",
    "sklearn": "service.inference.runtimes.sklearn:SklearnRuntime",
    "keras": "service.inference.runtimes.keras:KerasRuntime",
    "xgboost": "service.inference.runtimes.xgboost:XgboostRuntime",
    "lightgbm": "service.inference.runtimes.lightgbm:LightgbmRuntime",
    "catboost": "service.inference.runtimes.catboost:CatboostRuntime",
}

# Platforms whose framework is not installed with the service, and what installs it.
INSTALLS = {
    platform: f"make install-{platform}"
    for platform in ("sklearn", "keras", "xgboost", "lightgbm", "catboost")
}

# Platforms whose artefacts may be made with code of one's own, which stands beside them.
OWN_CODE = frozenset({"python", "sklearn", "keras"})

# An option of every platform: the artefact takes exactly so many rows a call.
ROWS_PER_CALL = "rows_per_call"


class Runtime(Protocol):
    """What a backend gives the service."""

    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]

    def predict(self, inputs: Tensors) -> Tensors:
        """Answer a whole batch; row i of each output belongs to row i of the inputs."""


def open_runtime(platform: str, artefact: Path, options: Mapping[str, Any]) -> Runtime:
    """
    Open *artefact* with the backend of *platform*, which takes *options*.

    One that takes an exact number of rows a call is asked as often as it takes.

    Raises InvalidModel where the framework is not installed; whatever it raises passes on.
    """
    telemetry.switch_off()
    module, _, name = BACKENDS[platform].partition(":")
    if platform in OWN_CODE:
        let_import(artefact)
    try:
        backend = import_module(module)
    except ModuleNotFoundError as error:
        if platform not in INSTALLS:
            raise
        raise InvalidModel(
            f"models of platform {platform!r} need {error.name}, which is not installed; "
            f"type: {INSTALLS[platform]}"
        ) from None
    plain = {key: value for key, value in options.items() if key != ROWS_PER_CALL}
    opened = cast("Runtime", getattr(backend, name)(artefact, **plain))
    rows = options.get(ROWS_PER_CALL) or fixed_rows(opened.inputs)
    return FixedRows(opened, rows) if rows else opened
