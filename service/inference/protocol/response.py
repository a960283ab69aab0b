"""The answer's tensors, as JSON or as bytes after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from service.inference.protocol.binary_data import objects, to_bytes
from service.inference.protocol.datatypes import DATATYPES, datatype_of
from service.inference.protocol.json_data import to_json

NUMBERS = frozenset(dtype for dtype in DATATYPES.values() if dtype.kind != "O")


@dataclass(frozen=True, slots=True)
class OutputTensor:
    """An output on its way: *array* is of a protocol's datatype."""

    name: str
    array: NDArray[Any]
    is_binary: bool = False


def travelling(array: NDArray[Any]) -> NDArray[Any]:
    """
    Make *array* one that travels: numbers as they are, all else as BYTES.

    Dates are ISO 8601; what is neither text nor bytes is its JSON. What is missing, None or NaT,
    stays None.
    """
    if array.dtype in NUMBERS:
        return array
    if array.dtype.kind == "M":
        missing = np.isnat(array)
        array = np.datetime_as_string(array).astype(object)
        array[missing] = None
    return objects([_bytes(value) for value in array.ravel().tolist()]).reshape(array.shape)


def _bytes(value: Any) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if isinstance(value, bytes):
        return value
    return orjson.dumps(value, default=str, option=orjson.OPT_SERIALIZE_NUMPY)


def write(head: Mapping[str, Any], outputs: Sequence[OutputTensor]) -> tuple[bytes, int | None]:
    """
    Write the answer: *head* and after it the *outputs*.

    The second is how long its JSON is if bytes follow, else None. What is missing is null in JSON,
    as NaN is, and an infinity, for which JSON has no number.
    """
    entries, buffers = [], []
    for output in outputs:
        array = output.array
        entry: dict[str, Any] = {
            "name": output.name,
            "datatype": datatype_of(array.dtype),
            "shape": array.shape,
        }
        if output.is_binary:
            raw = to_bytes(array)
            buffers.append(raw)
            entry["parameters"] = {"binary_data_size": len(raw)}
        else:
            entry["data"], is_base64 = to_json(array)
            if is_base64:
                entry["parameters"] = {"content_type": "base64"}
        entries.append(entry)
    written = orjson.dumps({**head, "outputs": entries}, option=orjson.OPT_SERIALIZE_NUMPY)
    if not any(output.is_binary for output in outputs):
        return written, None
    return b"".join([written, *buffers]), len(written)
