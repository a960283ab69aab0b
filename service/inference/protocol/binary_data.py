"""A tensor as raw bytes: numbers as they stand in memory, BYTES each after its length."""

import struct
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.inference.protocol.datatypes import BYTES, DATATYPES
from service.inference.protocol.request import InputEntry

# Before each BYTES element: its length in four bytes, little-endian.
LENGTH = struct.Struct("<I")


def from_bytes(entry: InputEntry, raw: memoryview) -> NDArray[Any]:
    """
    Read what *entry* says *raw* to be: where it is aligned, an array over the same memory.

    Raises InvalidInput where the size is not that of the shape, and for a BOOL that is not 0 or 1.
    """
    count = prod(entry.shape)
    if entry.datatype == BYTES:
        return _elements(entry, raw, count)
    dtype = DATATYPES[entry.datatype]
    if len(raw) != count * dtype.itemsize:
        want = f"{count * dtype.itemsize} bytes for {entry.datatype} {list(entry.shape)}"
        raise entry.fault("shape", f"{len(raw)} bytes", want)
    if entry.datatype == "BOOL":
        numbers = np.frombuffer(raw, np.uint8)
        if numbers.size and numbers.max() > 1:
            at = int(np.argmax(numbers > 1))
            raise entry.value_fault(at, f"the byte {numbers[at]}", "0 or 1 for a BOOL")
    array = np.frombuffer(raw, dtype).reshape(entry.shape)
    return array if array.flags.aligned else array.copy()


def _elements(entry: InputEntry, raw: memoryview, count: int) -> NDArray[Any]:
    if count * LENGTH.size > len(raw):
        want = f"{count} elements, each after its length in {LENGTH.size} bytes"
        raise entry.fault("shape", f"{len(raw)} bytes", want)
    elements, start = [], 0
    for number in range(count):
        end = start + LENGTH.size
        stop = end + LENGTH.unpack_from(raw, start)[0] if end <= len(raw) else len(raw) + 1
        if stop > len(raw):
            raise entry.value_fault(number, f"{len(raw)} bytes", f"more, for element {number}")
        elements.append(bytes(raw[end:stop]))
        start = stop
    if start != len(raw):
        sent = f"{len(raw) - start} bytes after the last element"
        raise entry.fault("shape", sent, f"{count} elements, as the shape says")
    return objects(elements).reshape(entry.shape)


def to_bytes(array: NDArray[Any]) -> bytes | memoryview:
    """
    Write *array* of a protocol's datatype; numbers that stand in order are not copied.

    A BYTES element that is missing, which bytes cannot say, is empty.
    """
    if array.dtype == object:
        elements = (each or b"" for each in array.ravel().tolist())
        return b"".join(piece for each in elements for piece in (LENGTH.pack(len(each)), each))
    plain = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return plain.reshape(-1).view(np.uint8).data


def objects(elements: list[Any]) -> NDArray[Any]:
    """Make an array of objects: NumPy would make one of fixed width of strings."""
    array: NDArray[Any] = np.empty(len(elements), object)
    array[:] = elements
    return array
