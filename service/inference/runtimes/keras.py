"""
Keras 3 models, run by OpenVINO on the CPU.

A `.keras` file does not say with which backend it was trained, and any of them opens it. Measured
with Keras 3.15 on the digits convnet of tests/data/digits-keras, one core:

    backend           disk      import  memory (PSS)  1 row   8 rows   64 rows
    OpenVINO 2026.4   460 MB    2.0 s   191 MB        0.07 ms  0.15 ms  0.77 ms
    JAX 0.12          640 MB    2.1 s   301 MB        0.07 ms  0.08 ms  0.40 ms, compiles 0.3 s
                                                                   for each new batch size
    TensorFlow 2.21   2100 MB   3.7 s   558 MB        0.38 ms  0.46 ms  0.86 ms
    PyTorch 2.13      4900 MB   3.4 s   700 MB        1.74 ms  2.18 ms  6.93 ms (not compiled)

("disk" is the environment with Keras and NumPy.) Keras's NumPy backend imports JAX. OpenVINO is
the smallest, and compiles once for every batch size, so that no request waits for a compiler.
"""

import os
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from openvino import opset16

from service.errors import InvalidModel
from service.inference.runtimes.own_code import beside, imported
from service.inference.telemetry import without
from service.inference.tensors import Tensors, TensorSpec

# On some CPUs OpenVINO computes in bfloat16 unless told otherwise: 0.007 off, for the digits.
PROPERTIES = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}

# Keras imports it where it is installed, and it keeps a cache in the user's home.
PLOTS = "matplotlib"

# The variable that a model's process gets; without it OpenVINO takes the host's cores.
THREADS = "OMP_NUM_THREADS"


class KerasRuntime:
    """A Runtime over one compiled graph, which any number of rows may enter."""

    def __init__(self, artefact: Path, *, allow_lambda: bool = False) -> None:
        """
        Open *artefact*; files beside it may define its layers.

        Raises InvalidModel for a model whose inputs are not known before it is called, and for
        layers of code unless *allow_lambda*.
        """
        keras = _keras()
        model = keras.saving.load_model(
            artefact, _own_objects(artefact), compile=False, safe_mode=not allow_lambda
        )
        if not getattr(model, "inputs", None):
            model = _with_inputs(keras, model, artefact)
        strings = [tensor.name for tensor in model.inputs if str(tensor.dtype) == "string"]
        if strings:
            raise InvalidModel(
                f"its input {strings[0]!r} is text, which Keras reads on TensorFlow alone; leave "
                "the layers of strings out of the model, and send the numbers that they answer"
            )
        self.inputs = {spec.name: spec for spec in map(_spec, model.inputs)}
        names = getattr(model, "output_names", None) or [model.layers[-1].name]
        self.outputs = {
            name: _spec(tensor, name) for name, tensor in zip(names, model.outputs, strict=True)
        }
        self._compiled = _compile(keras, model)

    def predict(self, inputs: Tensors) -> Tensors:
        """Run the graph once over all rows of *inputs*, from the state that it begins with."""
        request = self._compiled.create_infer_request()
        answers = request.infer([inputs[name] for name in self.inputs])
        return dict(zip(self.outputs, answers.to_tuple(), strict=True))


def _keras() -> Any:
    """Keras reads its backend from the environment, once, when it is imported."""
    os.environ["KERAS_BACKEND"] = "openvino"
    with without(PLOTS):
        return import_module("keras")


def _own_objects(artefact: Path) -> dict[str, Any]:
    """Classes and functions of the files beside, by their names: also what nobody registered."""
    return {
        name: value
        for path in beside(artefact)
        for name, value in vars(imported(path, path.stem)).items()
        if callable(value) and getattr(value, "__module__", "") == path.stem
    }


def _with_inputs(keras: Any, model: Any, artefact: Path) -> Any:
    """A model of a class of one's own, with the inputs of the shapes that it was built for."""
    built = (model.get_build_config() or {}) if hasattr(model, "get_build_config") else {}
    shapes = built.get("shapes_dict") or {"input": built.get("input_shape")}
    (shape,) = shapes.values() if len(shapes) == 1 else (None,)
    if not isinstance(shape, (list, tuple)) or not shape or isinstance(shape[0], (list, dict)):
        raise InvalidModel(
            f"{artefact.name} does not say what it takes; build it with keras.Input, or call it "
            "once before it is saved"
        )
    inputs = keras.Input(shape[1:], name="input")
    return keras.Model(inputs, model(inputs))


def _compile(keras: Any, model: Any) -> openvino.CompiledModel:
    """
    Trace the model with parameters of any number of rows.

    Keras's own `export` fixes that number to 1 in whatever reshapes, and its `predict` leaves
    OpenVINO's precision to the CPU.
    """
    parameters = [
        opset16.parameter(_shape(tensor), np.dtype(tensor.dtype)) for tensor in model.inputs
    ]
    symbols = [keras.ops.convert_to_tensor(each.output(0)) for each in parameters]
    plain = isinstance(model, keras.Sequential)
    inputs = symbols[0] if plain else keras.tree.pack_sequence_as(model.input, symbols)
    outputs = model(inputs, training=False)
    results = [opset16.result(each.output) for each in keras.tree.flatten(outputs)]
    graph = openvino.Model(results, parameters)
    threads = {"INFERENCE_NUM_THREADS": int(os.environ.get(THREADS, "1"))}
    return openvino.Core().compile_model(graph, "CPU", PROPERTIES | threads)


def _spec(tensor: Any, name: str = "") -> TensorSpec:
    return TensorSpec(name or tensor.name, np.dtype(tensor.dtype), tuple(_shape(tensor)))


def _shape(tensor: Any) -> list[int]:
    return [-1 if size is None else size for size in tensor.shape]
