"""
Named arrays: what a model takes and gives. Row i of each belongs to row i of every other.

`pack` and `unpack` carry them between processes: a JSON head that describes the columns, then the
raw buffers. Nothing in the bytes can name code, as a pickle could.
"""

import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.errors import ModelFailed

Tensors: TypeAlias = Mapping[str, NDArray[Any]]
Layout: TypeAlias = tuple[tuple[str, str, tuple[int, ...]], ...]

HEAD_SIZE = struct.Struct("<Q")

# What model.toml calls a date, alone or with its zone: datetime[Europe/Oslo].
DATETIME = "datetime"

# NumPy is quickest, and some libraries only work, on aligned buffers.
ALIGNMENT_BYTES = 64


@dataclass(frozen=True)
class TensorSpec:
    """
    An input or output of a model; -1 in *shape* is a dimension of any size.

    Where the artefact knows them: *columns* names the entries of the last axis (features of an
    input, classes of an output), *categories* are the only values that the column may hold,
    *dimensions* names the sizes that are free, which are one size wherever they are named.

    *said_as* is what model.toml calls the column's dtype where the array's own is wider: whole
    numbers and booleans travel as float64, which has a missing value. *takes_booleans* of a column
    of numbers whose dtype nobody remembers, and whose true may be a 1.
    """

    name: str
    datatype: np.dtype[Any]
    shape: tuple[int, ...]
    columns: tuple[str, ...] = ()
    categories: tuple[Any, ...] = ()
    dimensions: tuple[str, ...] = ()
    said_as: str = ""
    takes_booleans: bool = False


def dtype_called(said: str) -> np.dtype[Any]:
    """
    Find the dtype of the array of a column whose dtype model.toml calls *said*.

    Strings and categories are objects; a `datetime`, also one with a zone, counts microseconds.
    """
    if said in {"string", "category"}:
        return np.dtype(object)
    return np.dtype("datetime64[us]" if said.startswith(DATETIME) else said)


def row_count(tensors: Tensors) -> int:
    """Count the rows. Raises ValueError where arrays are missing, scalar or of unequal length."""
    counts = {array.shape[0] if array.ndim else None for array in tensors.values()}
    if len(counts) != 1 or None in counts:
        lengths = {name: list(array.shape) for name, array in tensors.items()}
        raise ValueError(f"the arrays have no common number of rows: {lengths}")
    (rows,) = counts
    return rows or 0


def check_finite(outputs: Tensors, model: str) -> None:
    """Raise ModelFailed where *model* answered a number that JSON does not have."""
    for name, array in outputs.items():
        if array.dtype.kind in "fc" and not np.logical_and.reduce(np.isfinite(array), axis=None):
            raise ModelFailed(
                f"the model {model!r} answered with a number that is not finite, "
                f"in its output {name!r}"
            )


def layout(tensors: Tensors) -> Layout:
    """All but the rows: names, data types and the shape of one row. Equal layouts can be joined."""
    return tuple((name, array.dtype.str, array.shape[1:]) for name, array in tensors.items())


def join(parts: Sequence[Tensors]) -> Tensors:
    """Put the rows of *parts*, which are of one layout, one after another."""
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def split(tensors: Tensors, counts: Iterable[int]) -> list[Tensors]:
    """Undo `join`: the first so many rows, the next so many, and so on, as views."""
    ends = list(accumulate(counts))
    starts = [0, *ends[:-1]]
    return [
        {name: array[start:end] for name, array in tensors.items()}
        for start, end in zip(starts, ends, strict=True)
    ]


def pack(tensors: Tensors) -> bytes:
    """
    Put *tensors* into bytes: 8 bytes of length, that many of JSON, then the aligned buffers.

    Columns of Python objects (strings, numbers, None) travel in the JSON.
    """
    columns, buffers = [], []
    for name, array in tensors.items():
        column: dict[str, Any] = {"name": name, "dtype": array.dtype.str, "shape": array.shape}
        if array.dtype.hasobject:
            column |= {"dtype": "object", "values": array.ravel().tolist()}
        else:
            buffers.append(np.ascontiguousarray(array))
        columns.append(column)
    head = json.dumps(columns, default=_plain).encode()
    head += b" " * (-(HEAD_SIZE.size + len(head)) % ALIGNMENT_BYTES)
    pieces: list[Any] = [HEAD_SIZE.pack(len(head)), head]
    for buffer in buffers:
        pieces += [buffer.reshape(-1).view(np.uint8).data, bytes(_padding(buffer.nbytes))]
    return b"".join(pieces)


def unpack(packed: bytearray | bytes) -> Tensors:
    """
    Take tensors out of what `pack` made; they share its memory.

    Raises ValueError for bytes that `pack` did not make.
    """
    (head_size,) = HEAD_SIZE.unpack_from(packed)
    offset = HEAD_SIZE.size + head_size
    tensors: dict[str, NDArray[Any]] = {}
    for column in json.loads(packed[HEAD_SIZE.size : offset]):
        shape = tuple(column["shape"])
        if "values" in column:
            tensors[column["name"]] = _objects(column["values"], shape)
            continue
        dtype = np.dtype(column["dtype"])
        array = np.frombuffer(packed, dtype, prod(shape), offset)
        tensors[column["name"]] = array.reshape(shape)
        offset += array.nbytes + _padding(array.nbytes)
    return tensors


def _objects(values: list[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    array = np.empty(len(values), object)
    array[:] = values
    return array.reshape(shape)


def _plain(value: Any) -> Any:
    """A NumPy scalar in a column of objects, as JSON has it."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a column holds a {type(value).__name__}, which cannot leave the process")


def _padding(size: int) -> int:
    return -size % ALIGNMENT_BYTES
