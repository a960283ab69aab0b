"""
The protocol's datatypes and NumPy's.

Numbers are little-endian, whatever the machine. A BYTES element is `bytes` in an array of objects,
or None where JSON has a null.
"""

from typing import Any

import numpy as np

BYTES = "BYTES"

# https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
DATATYPES: dict[str, np.dtype[Any]] = {
    name: np.dtype(code)
    for name, code in {
        "BOOL": "?",
        "UINT8": "<u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8",
        "INT8": "<i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8",
        "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
        BYTES: "O",
    }.items()
}  # fmt: skip

_NAMES = {dtype: name for name, dtype in DATATYPES.items()}


def datatype_of(dtype: np.dtype[Any]) -> str:
    """Name the datatype in which arrays of *dtype* travel: what is no number is BYTES."""
    return _NAMES.get(dtype.newbyteorder("<"), BYTES)
