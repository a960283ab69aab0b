"""ONNX models, run by ONNX Runtime on the CPU."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from service.errors import InvalidModel
from service.inference.runtimes.onnx_faults import opening_fault
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
# What scikit-learn's converters make of probabilities unless told otherwise (ZipMap, ai.onnx.ml):
# for each row a map from its class to its score.
MAPS = re.compile(r"seq\(map\((int64|string),tensor\(float\)\)\)")
# A file that is mapped, and whose weights are used where they stand (ONNX Runtime 1.26 and newer:
# onnxruntime_session_options_config_keys.h).
MAPPED = {
    "session.load_model_format": "ORT",
    "session.use_memory_mapped_ort_model": "1",
    "session.use_ort_model_bytes_for_initializers": "1",
}
PREPACKING = "session.disable_prepacking"
# What it says of a failed call it raises as well; on stderr it would be no line of the log.
FATAL_ONLY = 4


class OnnxRuntime:
    """
    A Runtime over one session. `predict` releases the GIL and may run in several threads.

    *left_out* says of each output that is not answered why not; *words* are strings that may stand
    in its inputs.
    """

    def __init__(self, artefact: Path, *, mapped: str = "", prepacks: bool = False) -> None:
        """
        Open *artefact*, or the file *mapped* that `write_optimised` made of it.

        The weights of that are the file's pages, which processes share, unless calls need them
        packed: with *prepacks* each has a copy in the kernels' own layout. Raises InvalidModel for
        what ONNX Runtime cannot open or the service cannot answer.
        """
        options = _session_options()
        if mapped:
            for name, value in (MAPPED | {PREPACKING: "0" if prepacks else "1"}).items():
                options.add_session_config_entry(name, value)
        self._session = _session(artefact, mapped or artefact, options)
        self.inputs = {node.name: _input(node) for node in self._session.get_inputs()}
        has_texts = any(spec.datatype.kind == "O" for spec in self.inputs.values())
        self.words = _categories(artefact) if has_texts else []
        nodes = self._session.get_outputs()
        self.left_out = {node.name: why for node in nodes if (why := _unanswerable(node))}
        answered = [node for node in nodes if node.name not in self.left_out]
        if not answered:
            raise InvalidModel("; ".join(self.left_out.values()))
        self._names = [node.name for node in answered]
        self._read = [_reader(node) for node in answered]
        columns = _classes(artefact, answered)
        self.outputs = {node.name: _output(node, columns.get(node.name, ())) for node in answered}

    def predict(self, inputs: Tensors) -> Tensors:
        """Run the graph once over all rows of *inputs*."""
        answers = self._session.run(self._names, dict(inputs))
        columns = zip(self._names, self._read, answers, strict=True)
        return {name: read(answer) for name, read, answer in columns}


def write_optimised(artefact: Path, made: Path) -> None:
    """
    Write *artefact* to *made* as ONNX Runtime optimises it for this CPU, in its own format.

    Raises InvalidModel where it cannot (https://onnxruntime.ai/docs/performance/model-optimizations/
    ort-format-models.html).
    """
    options = _session_options()
    options.optimized_model_filepath = str(made)
    options.add_session_config_entry("session.save_model_format", "ORT")
    _session(artefact, artefact, options)


def _session_options() -> Any:
    options = onnxruntime.SessionOptions()
    # One thread a call: ONNX Runtime would take the host's cores, whatever the container's
    # share (microsoft/onnxruntime#9800); the service's own threads run calls side by side.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = FATAL_ONLY
    return options


def _session(artefact: Path, file: Path | str, options: Any) -> Any:
    try:
        return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise InvalidModel(opening_fault(artefact, error)) from error


def _categories(artefact: Path) -> list[str]:
    # Here and below it is imported late: protobuf's 6 MB are for those who need them.
    from service.inference.runtimes.onnx_graph import categories_in  # noqa: PLC0415

    return categories_in(artefact)


def _classes(artefact: Path, nodes: list[Any]) -> dict[str, tuple[str, ...]]:
    """The classes of outputs that are maps. Raises InvalidModel where the file tells too few."""
    maps = [node.name for node in nodes if MAPS.fullmatch(node.type)]
    if not maps:
        return {}
    from service.inference.runtimes.onnx_graph import classes_in  # noqa: PLC0415  # as above

    classes = classes_in(artefact)
    if len(classes) != len(maps):
        raise InvalidModel(
            f"its output {maps[0]!r} is a map from classes to scores, and its classes are not told "
            "by a ZipMap; convert it with options={'zipmap': False}"
        )
    return dict(zip(maps, classes, strict=True))


def _input(node: Any) -> TensorSpec:
    if node.type not in DATATYPES:
        raise InvalidModel(
            f"its input {node.name!r} is {node.type}, which a request cannot hold; give it an "
            "input of a plain tensor (float32, int64, string …) and export it again"
        )
    names = tuple(size if isinstance(size, str) else "" for size in node.shape)
    return TensorSpec(node.name, np.dtype(DATATYPES[node.type]), _shape(node), dimensions=names)


def _unanswerable(node: Any) -> str:
    """Why an output cannot be answered; empty if it can."""
    if MAPS.fullmatch(node.type):
        return ""
    if node.type not in DATATYPES:
        return f"its output {node.name!r} is {node.type}, which has no rows that JSON could hold"
    if node.shape is not None and len(node.shape) == 0 and node.type:
        return f"its output {node.name!r} is one value for the whole call, not one for each row"
    return ""


def _output(node: Any, columns: tuple[str, ...]) -> TensorSpec:
    if columns:
        return TensorSpec(node.name, np.dtype("float32"), (-1, len(columns)), columns)
    return TensorSpec(node.name, np.dtype(DATATYPES[node.type]), _shape(node))


def _reader(node: Any) -> Callable[[Any], NDArray[Any]]:
    return _scores if MAPS.fullmatch(node.type) else np.asarray


def _scores(maps: list[dict[Any, float]]) -> NDArray[Any]:
    return np.array([list(row.values()) for row in maps], np.float32)


def _shape(node: Any) -> tuple[int, ...]:
    return tuple(size if isinstance(size, int) else -1 for size in node.shape)
