"""
A tensor as JSON: one flat list, or lists as deep as its shape.

What JSON has no number for, NaN, is null in a tensor of floats; an infinity cannot be said. Types
are not guessed: an integer is a number where floats are wanted, and nothing else is another.
"""

import struct
from collections.abc import Iterable
from itertools import chain
from math import prod
from typing import Any

import numpy as np
import pybase64
from numpy.typing import NDArray

from service.faults import kind_of, scalar
from service.inference.protocol.binary_data import objects
from service.inference.protocol.datatypes import BYTES, DATATYPES
from service.inference.protocol.request import InputEntry

NULL = type(None)

# Kinds of dtypes that struct packs, and what it calls whole numbers, in their standard sizes.
PACKED = frozenset("fui")
FORMS = {"i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I", "i8": "q", "u8": "Q"}

# By the kind of the dtype: what JSON's values are in Python, and what is wanted in words.
TAKEN: dict[str, tuple[frozenset[type], str]] = {
    "b": (frozenset({bool}), "true or false"),
    "u": (frozenset({int}), "a whole number"),
    "i": (frozenset({int}), "a whole number"),
    "f": (frozenset({int, float, NULL}), "a number, or null for NaN"),
    "O": (frozenset({str, NULL}), "a string"),
}


def from_json(entry: InputEntry) -> NDArray[Any]:
    """
    Make the array of *entry*'s data. Raises InvalidInput for the first that is not as it says.

    BYTES are the UTF-8 of their strings, or what those are the base64 of.
    """
    leaves, shape = _leaves(entry), entry.shape
    dtype = DATATYPES[entry.datatype]
    if dtype.kind in PACKED:
        quick = _packed(leaves, dtype)
        if quick is not None:
            return quick.reshape(shape)
    types, noun = TAKEN[dtype.kind]
    if not types.issuperset(map(type, leaves)):
        at = next(at for at, leaf in enumerate(leaves) if type(leaf) not in types)
        raise entry.value_fault(at, scalar(leaves[at]), f"{noun} ({entry.datatype})")
    if entry.datatype == BYTES:
        return objects(list(_encoded(entry, leaves))).reshape(shape)
    return _numbers(entry, leaves, dtype).reshape(shape)


def _packed(leaves: list[Any], dtype: np.dtype[Any]) -> NDArray[Any] | None:
    """
    The numbers, where all of *leaves* are some of *dtype*; None where one has to be looked at.

    struct takes a third of numpy.asarray's time, and knows types and ranges; only a boolean is a
    number to it, which is 0 or 1.
    """
    form = "d" if dtype.kind == "f" else FORMS[dtype.str[1:]]
    try:
        packed = struct.pack(f"<{len(leaves)}{form}", *leaves)
    except struct.error:
        return None
    wide: NDArray[Any] = np.frombuffer(packed, np.float64 if form == "d" else dtype)
    suspects = np.flatnonzero((wide == 0) | (wide == 1)).tolist()
    if bool in set(map(type, map(leaves.__getitem__, suspects))):
        return None
    if form != "d" or dtype.itemsize == wide.itemsize:
        return wide
    with np.errstate(over="ignore"):
        numbers = wide.astype(dtype)
    return None if np.isinf(numbers).any() else numbers


def _numbers(entry: InputEntry, leaves: list[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Raises InvalidInput for a number that is none of *dtype*'s."""
    if dtype.kind == "b":
        return np.array(leaves, dtype)
    if dtype.kind == "f":
        limits: Any = np.finfo(dtype)
        numbers = np.array(leaves, np.float64)  # a null is NaN
        beyond = np.abs(numbers) > limits.max
    else:
        limits = np.iinfo(dtype)
        beyond = np.array([not limits.min <= leaf <= limits.max for leaf in leaves], bool)
        numbers = np.array([] if beyond.any() else leaves, dtype)
    if beyond.any():
        at = int(np.argmax(beyond))
        form = ".8g" if dtype.kind == "f" else "d"
        within = f"from {limits.min:{form}} to {limits.max:{form}}"
        want = f"a number {within} ({entry.datatype})"
        raise entry.value_fault(at, scalar(leaves[at]), want)
    return numbers.astype(dtype)


def _leaves(entry: InputEntry) -> list[Any]:
    """All values in one list. Raises InvalidInput unless there are as many as the shape says."""
    level: list[Any] = entry.data or []
    count = prod(entry.shape)
    if len(entry.shape) < 2 or not level or type(level[0]) is not list:
        if len(level) != count:
            want = f"{count} for shape {list(entry.shape)}"
            raise entry.fault("data", f"{len(level)} values", want)
        return level
    for depth, size in enumerate(entry.shape):
        if depth:
            if level and (set(map(type, level)) != {list} or set(map(len, level)) != {size}):
                raise _uneven(entry, level, depth, size)
            level = list(chain.from_iterable(level))
        elif len(level) != size:
            raise entry.fault("data", f"a list of {len(level)}", f"a list of {size}")
    return level


def _uneven(entry: InputEntry, level: list[Any], depth: int, size: int) -> Exception:
    at = next(at for at, each in enumerate(level) if type(each) is not list or len(each) != size)
    steps = np.unravel_index(at, entry.shape[:depth])
    want = f"a list of {size}, for shape {list(entry.shape)}"
    return entry.fault("data", kind_of(level[at]), want, *map(int, steps))


def _encoded(entry: InputEntry, texts: Iterable[str | None]) -> Iterable[bytes | None]:
    if not entry.is_base64:
        for text in texts:
            yield text if text is None else text.encode()
        return
    for at, text in enumerate(texts):
        try:
            yield text if text is None else pybase64.b64decode(text, validate=True)
        except ValueError:
            sent = f"a string of {len(text or '')} characters that is not base64"
            raise entry.value_fault(at, sent, "standard base64 with padding") from None


def to_json(array: NDArray[Any]) -> tuple[Any, bool]:
    """
    The values of *array* in one flat list, for orjson with OPT_SERIALIZE_NUMPY.

    Of BYTES that are no UTF-8, in base64; the second tells whether they are.
    """
    if array.dtype != object:
        return np.ascontiguousarray(array).reshape(-1), False
    elements: list[bytes | None] = array.ravel().tolist()
    try:
        return [each if each is None else each.decode() for each in elements], False
    except UnicodeDecodeError:
        encoded = (each if each is None else pybase64.b64encode(each) for each in elements)
        return [each if each is None else each.decode() for each in encoded], True
