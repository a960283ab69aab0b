"""A valid infer request, made of the golden one."""

from collections.abc import Sequence
from typing import Any

import orjson
from numpy.typing import NDArray

from service.inference.protocol.datatypes import BYTES, DATATYPES
from service.inference.protocol.description import NamedTensor
from service.inference.protocol.json_data import to_json
from service.inference.protocol.response import travelling
from service.inference.tensors import Tensors

# A valid request for any model of pictures, in base64: a GIF of one pixel.
PIXEL = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"

# Dates with a zone are UTC in the arrays.
UTC_OFFSET = "+00:00"


def example_request(
    inputs: Sequence[NamedTensor],
    arrays: Tensors,
    *,
    is_picture: bool,
    zoned: frozenset[str] = frozenset(),
) -> bytes:
    """Say the model's *arrays* as its *inputs*, in JSON; dates of those that are *zoned* in UTC."""
    if is_picture:
        entries = [
            {"name": each.name, "datatype": BYTES, "shape": [1], "data": [PIXEL]} for each in inputs
        ]
    else:
        entries = [_entry(each, arrays[each.name], is_zoned=each.name in zoned) for each in inputs]
    return orjson.dumps({"inputs": entries}, option=orjson.OPT_SERIALIZE_NUMPY)


def _entry(tensor: NamedTensor, array: NDArray[Any], *, is_zoned: bool) -> dict[str, Any]:
    is_bytes = tensor.datatype == BYTES
    sent = travelling(array) if is_bytes else array.astype(DATATYPES[tensor.datatype])
    data = to_json(sent)[0]
    if is_zoned:
        data = [text and f"{text}{UTC_OFFSET}" for text in data]
    return {
        "name": tensor.name,
        "datatype": tensor.datatype,
        "shape": array.shape,
        "data": data,
    }
