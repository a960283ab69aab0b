"""ONNX models, run by ONNX Runtime on the CPU."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from service.inference.tensors import Tensors, TensorSpec

DATATYPES = {
    "tensor(bool)": "bool",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(uint16)": "uint16",
    "tensor(int16)": "int16",
    "tensor(uint32)": "uint32",
    "tensor(int32)": "int32",
    "tensor(uint64)": "uint64",
    "tensor(int64)": "int64",
    "tensor(float16)": "float16",
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(string)": "object",
}
ERRORS_ONLY = 3


class OnnxRuntime:
    """A Runtime over one session. `predict` releases the GIL and may run in several threads."""

    def __init__(self, artefact: Path) -> None:
        options = onnxruntime.SessionOptions()
        # One thread a call: ONNX Runtime would take the host's cores, whatever the container's
        # share (microsoft/onnxruntime#9800); the service's own threads run calls side by side.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = ERRORS_ONLY
        self._session = onnxruntime.InferenceSession(
            artefact, options, providers=["CPUExecutionProvider"]
        )
        self.inputs = {spec.name: spec for spec in map(_spec, self._session.get_inputs())}
        self.outputs = {spec.name: spec for spec in map(_spec, self._session.get_outputs())}

    def predict(self, inputs: Tensors) -> Tensors:
        """Run the graph once over all rows of *inputs*."""
        return dict(zip(self.outputs, self._session.run(None, dict(inputs)), strict=True))


def _spec(node: Any) -> TensorSpec:
    shape = tuple(size if isinstance(size, int) else -1 for size in node.shape)
    return TensorSpec(node.name, np.dtype(DATATYPES[node.type]), shape)
