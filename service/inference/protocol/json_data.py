"""
A tensor as JSON: one flat list, or lists as deep as its shape.

What JSON has no number for, NaN, is null in a tensor of floats; an infinity cannot be said. Types
are not guessed: an integer is a number where floats are wanted, and nothing else is another.
"""

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
    types, noun = TAKEN[dtype.kind]
    if not types.issuperset(map(type, leaves)):
        at = next(at for at, leaf in enumerate(leaves) if type(leaf) not in types)
        raise entry.value_fault(at, scalar(leaves[at]), f"{noun} ({entry.datatype})")
    if entry.datatype == BYTES:
        return objects(list(_encoded(entry, leaves))).reshape(shape)
    return _numbers(entry, leaves, dtype).reshape(shape)


def _numbers(entry: InputEntry, leaves: list[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    # numpy.asarray, which looks for a dtype first, takes twice as long as numpy.fromiter.
    if dtype.kind != "f":
        try:
            return np.fromiter(leaves, dtype, len(leaves))
        except OverflowError:
            limits = np.iinfo(dtype)
            at = next(at for at, leaf in enumerate(leaves) if not limits.min <= leaf <= limits.max)
            want = f"a whole number from {limits.min} to {limits.max} ({entry.datatype})"
            raise entry.value_fault(at, scalar(leaves[at]), want) from None
    wide = np.fromiter(leaves, np.float64, len(leaves))
    with np.errstate(over="ignore"):
        numbers = wide.astype(dtype)
    beyond = np.isinf(numbers)
    if beyond.any():
        at = int(np.argmax(beyond))
        most = float(np.finfo(dtype).max)
        want = f"a number from {-most:.8g} to {most:.8g} ({entry.datatype})"
        raise entry.value_fault(at, scalar(leaves[at]), want)
    return numbers


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
    elements: list[bytes] = array.ravel().tolist()
    try:
        return [each.decode() for each in elements], False
    except UnicodeDecodeError:
        return [pybase64.b64encode(each).decode() for each in elements], True
