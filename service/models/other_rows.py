"""Rows that are not the example, and whether two answers are the same one."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.inference.signature.signature import Signature
from service.inference.tensors import Tensors

# How far apart two answers to one row may be: the sums of a larger batch are in another order.
RELATIVE, ABSOLUTE = 1e-3, 1e-5

SEED = 20_261_128


def same(some: Tensors, others: Tensors) -> bool:
    """Whether two answers differ by no more than the order of their sums."""
    return all(_equal(array, others[name]) for name, array in some.items())


def _equal(array: NDArray[Any], other: NDArray[Any]) -> bool:
    if array.shape != other.shape:
        return False
    if array.dtype.kind in "fc":
        scale = float(np.abs(array).max(initial=0.0))
        near = np.isclose(array, other, RELATIVE, ABSOLUTE * max(scale, 1.0), equal_nan=True)
        return bool(near.all())
    return bool((array == other).all())


def variations(signature: Signature, one: Tensors) -> Iterator[Tensors]:
    """Rows like *one*, each a way further from it, of which a model may take some."""
    random = np.random.default_rng(SEED)
    for far in (1.0, 0.01):
        yield {
            name: _varied(array, signature.inputs[name].categories, random, far)
            for name, array in one.items()
        }
    yield {name: array[..., ::-1].copy() for name, array in one.items()}
    yield {
        name: _varied(array, (), random, 1.0) if array.dtype.kind == "f" else array
        for name, array in one.items()
    }


def _varied(
    array: NDArray[Any], categories: Sequence[Any], random: np.random.Generator, far: float
) -> NDArray[Any]:
    kind = array.dtype.kind
    varied: Any = array
    if categories:
        known = [value for value in categories if value != array.flat[0]] or [array.flat[0]]
        varied = np.full(array.shape, known[0])
    elif kind == "f":
        varied = array + np.abs(random.normal(size=array.shape) * (np.abs(array) + 1) * far)
    elif kind == "b":
        varied = np.logical_not(array)
    elif kind in "iu":
        varied = array + np.ones(1, array.dtype)
    elif kind == "M":
        varied = array + np.timedelta64(1, "D")
    return np.asarray(varied).astype(array.dtype)
