"""Nested lists of numbers or strings, made into arrays of a known shape."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import InvalidInput
from service.faults import FAULTS_TOLD, Fault, kind_of, pointer, scalar, wanted
from service.inference.pictures.decoding import Reserve, unlimited
from service.inference.signature.feature import NOUNS, TYPES, kind_of_dtype, range_of
from service.inference.signature.question import Question
from service.inference.tensors import TensorSpec

# Numbers of a made-up row that are not all the same.
STEPS = 8


class NestedTensors:
    """What reads `{"<input>": nested list}` for *specs*; at most *limit_rows* rows at once."""

    def __init__(self, specs: Sequence[TensorSpec], limit_rows: int) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._limit_rows = limit_rows

    def read(self, sent: Mapping[str, Any], _reserve: Reserve = unlimited) -> Question:
        """Read a batch, or one row where every list is a level flatter. Raises InvalidInput."""
        self._check_names(sent)
        single = all(
            _depth(sent[name]) == len(spec.shape) - 1 for name, spec in self._specs.items()
        )
        arrays = {
            name: self._array(spec, [sent[name]] if single else sent[name], single=single)
            for name, spec in self._specs.items()
        }
        self.check_shared(
            arrays, lambda name, told, want: InvalidInput([wanted(pointer(name), told, want)])
        )
        counts = {name: len(array) for name, array in arrays.items()}
        if len(set(counts.values())) > 1:
            listed = ", ".join(f"{count} of {name}" for name, count in counts.items())
            raise InvalidInput([wanted("", listed, "the same number of rows in each input")])
        return Question(arrays, next(iter(counts.values())), single=single)

    def example(self, free_size: int = 1, fill: int | None = 0) -> dict[str, Any]:
        """
        Make up a row that is valid, of empty strings and of *fill*, or of different numbers.

        Free sizes are *free_size*.
        """
        return {
            name: _filled(
                [free_size if size < 0 else size for size in spec.shape[1:]], spec, fill
            ).tolist()
            for name, spec in self._specs.items()
        }

    def check_shared(
        self,
        arrays: Mapping[str, NDArray[Any]],
        fault: Callable[[str, str, str], InvalidInput],
    ) -> None:
        """Raise InvalidInput unless free sizes of one name are one size."""
        found: dict[str, tuple[str, int]] = {}
        for name, array in arrays.items():
            for axis, dimension in enumerate(self._specs[name].dimensions[1:], 1):
                size = array.shape[axis]
                other, known = (
                    found.setdefault(dimension, (name, size)) if dimension else ("", size)
                )
                if size != known:
                    want = f"{known}, as {other!r} has: {dimension!r} is one size in all inputs"
                    sent = f"{size} of {dimension!r}"
                    raise fault(name, sent, want)

    def _check_names(self, sent: Mapping[str, Any]) -> None:
        known = ", ".join(self._specs)
        faults = [
            Fault(pointer(name), "an unknown name", known, f"no such input; send it as {known}")
            for name in sent
            if name not in self._specs
        ]
        faults += [
            wanted(pointer(name), "nothing", _noun(spec))
            for name, spec in self._specs.items()
            if name not in sent
        ]
        if faults:
            raise InvalidInput(faults[:FAULTS_TOLD])

    def _array(self, spec: TensorSpec, value: Any, *, single: bool) -> NDArray[Any]:
        array = _Walk(spec, single=single).flatten(value)
        if len(array) > self._limit_rows:
            want = f"a list of 1 to {self._limit_rows} rows"
            raise InvalidInput([wanted(pointer(spec.name), kind_of(value), want)])
        return array


class _Walk:
    """
    One nested list, taken apart a level at a time.

    A level is one flat list, so that each step is a single pass in C; where one finds a fault,
    the position in the level and the sizes so far give the pointer.
    """

    def __init__(self, spec: TensorSpec, *, single: bool) -> None:
        self._spec = spec
        self._sizes: list[int] = []
        self._skipped = 1 if single else 0  # the level that was added around a single row

    def flatten(self, value: Any) -> NDArray[Any]:
        """Raises InvalidInput at the first place that is not as the input's shape and dtype."""
        level: list[Any] = [value]
        for size in (-1, *self._spec.shape[1:]):
            self._check_lists(level, size)
            self._sizes.append(len(level[0]))
            level = list(chain.from_iterable(level))
        return self._leaves(level)

    def _check_lists(self, level: list[Any], size: int) -> None:
        lengths = set(map(len, level)) if set(map(type, level)) == {list} else None
        if lengths is not None and len(lengths) == 1 and 0 not in lengths:
            (length,) = lengths
            if size in {-1, length}:
                return
        size = size if size > 0 or not isinstance(level[0], list) else len(level[0])
        at = next((i for i, it in enumerate(level) if not _is_list(it, size)), 0)
        want = f"a list of {size}" if size > 0 else "a list of at least 1"
        raise self._fault(at, kind_of(level[at]), want)

    def _leaves(self, level: list[Any]) -> NDArray[Any]:
        dtype = self._spec.datatype
        kind = kind_of_dtype(dtype)
        if kind == "integer" and float in set(map(type, level)):
            level = [int(leaf) if _is_whole(leaf) else leaf for leaf in level]
        if not TYPES[kind].issuperset(map(type, level)):
            at = next(at for at, leaf in enumerate(level) if type(leaf) not in TYPES[kind])
            raise self._fault(at, scalar(level[at]), NOUNS[kind])
        if kind == "number":
            wide = np.array(level, np.float64)
            self._check_range(level, wide.min(), wide.max())
            return wide.astype(dtype).reshape(self._sizes)
        if kind == "integer":
            self._check_range(level, min(level), max(level))
        return np.array(level, dtype).reshape(self._sizes)

    def _check_range(self, level: list[Any], least: float, greatest: float) -> None:
        lowest, highest = range_of(self._spec.datatype)
        if least < lowest or greatest > highest:
            at = next(at for at, leaf in enumerate(level) if not lowest <= leaf <= highest)
            want = f"a number from {lowest:.15g} to {highest:.15g}"
            raise self._fault(at, scalar(level[at]), want)

    def _fault(self, at: int, sent: str, want: str) -> InvalidInput:
        steps = np.unravel_index(at, self._sizes) if self._sizes else ()
        where = pointer(self._spec.name, *map(int, steps[self._skipped :]))
        return InvalidInput([wanted(where, sent, f"{want} (the input is {_noun(self._spec)})")])


def _is_list(value: Any, size: int) -> bool:
    return isinstance(value, list) and (len(value) == size if size > 0 else bool(value))


def _is_whole(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer()


def _depth(value: Any) -> int:
    depth = 0
    while isinstance(value, list):
        depth += 1
        value = value[0] if value else None
    return depth


def _filled(shape: list[int], spec: TensorSpec, fill: int | None) -> NDArray[Any]:
    if kind_of_dtype(spec.datatype) == "string":
        return np.full(shape, "", _sent(spec))
    if fill is not None:
        return np.full(shape, fill, _sent(spec))
    steps = np.arange(int(np.prod(shape))).reshape(shape) % STEPS
    return (steps / STEPS if spec.datatype.kind == "f" else steps).astype(_sent(spec))


def _sent(spec: TensorSpec) -> Any:
    """The dtype whose zero is the JSON zero of *spec*'s."""
    return str if kind_of_dtype(spec.datatype) == "string" else spec.datatype


def _noun(spec: TensorSpec) -> str:
    sizes = ", ".join("any" if size < 0 else str(size) for size in spec.shape[1:])
    return f"{spec.datatype.name} [n{', ' if sizes else ''}{sizes}]"
