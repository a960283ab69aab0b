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

PICTURE = "<a picture's bytes in base64>"


def example_request(inputs: Sequence[NamedTensor], arrays: Tensors, *, is_picture: bool) -> bytes:
    """Say the model's *arrays* as its *inputs*, in JSON; of pictures, how one is sent."""
    if is_picture:
        entries = [
            {"name": each.name, "datatype": BYTES, "shape": [1], "data": [PICTURE]}
            for each in inputs
        ]
    else:
        entries = [_entry(each, arrays[each.name]) for each in inputs]
    return orjson.dumps({"inputs": entries}, option=orjson.OPT_SERIALIZE_NUMPY)


def _entry(tensor: NamedTensor, array: NDArray[Any]) -> dict[str, Any]:
    sent = (
        travelling(array) if tensor.datatype == BYTES else array.astype(DATATYPES[tensor.datatype])
    )
    return {
        "name": tensor.name,
        "datatype": tensor.datatype,
        "shape": array.shape,
        "data": to_json(sent)[0],
    }
