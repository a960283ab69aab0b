"""Tensors of named features: one for each column, or one matrix."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import InvalidInput
from service.faults import scalar
from service.inference.pictures.decoding import Reserve, unlimited
from service.inference.protocol.binary_data import objects
from service.inference.protocol.datatypes import BYTES, datatype_of
from service.inference.protocol.description import NamedTensor
from service.inference.signature.feature import MISSING, Feature, InvalidValue
from service.inference.signature.question import Question
from service.inference.signature.rows import ROWS, FeatureRows, Part
from service.inference.signature.tensors import (
    SentTensor,
    check_names,
    check_rows,
    check_tensor,
    one_row_count,
)

# What travels where the model's column is one of Python objects.
OF_OBJECTS = {"number": "FP64", "integer": "INT64", "boolean": "BOOL"}


class FeatureTensors:
    """
    What reads the features of *rows*.

    An input of several features is sent as one matrix of its name, or feature by feature; where
    all features have one datatype, one matrix `rows` of all of them will do as well.
    """

    def __init__(self, rows: FeatureRows, limit_rows: int) -> None:
        self._limit_rows = limit_rows
        self._inputs = [_Input(part, rows.features[part.start : part.stop]) for part in rows.parts]
        self.inputs = tuple(each.tensor for each in self._inputs)
        self._known = [
            name for each in self._inputs for name in dict.fromkeys([each.tensor.name, *each.names])
        ]
        datatypes = {each.tensor.datatype for each in self._inputs}
        is_free = ROWS not in self._known and len(datatypes) == 1
        self._matrix = (
            NamedTensor(ROWS, datatypes.pop(), (-1, len(rows.features))) if is_free else None
        )

    def read(self, sent: Mapping[str, SentTensor], _reserve: Reserve = unlimited) -> Question:
        """Check each column as a request of rows would be checked, and take it over."""
        if self._matrix and sent.keys() == {ROWS}:
            sent = self._cut(sent[ROWS], self._matrix)
        missing = [name for each in self._inputs for name in each.missing(sent)]
        check_names(sent, self._known, missing)
        for tensor in sent.values():
            check_rows(tensor.entry, self._limit_rows)
        rows = one_row_count(sent)
        arrays = {
            each.tensor.name: each.read(sent, rows, self._limit_rows) for each in self._inputs
        }
        return Question(arrays, rows, single=False)

    def _cut(self, matrix: SentTensor, tensor: NamedTensor) -> dict[str, SentTensor]:
        """Each feature's column of the one matrix."""
        check_tensor(matrix, tensor, self._limit_rows)
        names = list(chain.from_iterable(each.names for each in self._inputs))
        return {
            name: SentTensor(matrix.entry, matrix.array[:, at], at, len(names))
            for at, name in enumerate(names)
        }


class _Input:
    """An input of the artefact, and the features that are its columns."""

    def __init__(self, part: Part, features: Sequence[Feature]) -> None:
        self._part, self._features = part, features
        self.names = [feature.name for feature in features]
        self.tensor = NamedTensor(part.name, _datatype(features[0]), part.shape)
        self._is_whole = self.names == [part.name]
        plain = all(
            feature.kind == "number" and not (feature.categories or feature.optional)
            for feature in features
        )
        self._bounds = np.array([feature.bounds for feature in features]).T if plain else None

    def missing(self, sent: Mapping[str, SentTensor]) -> list[str]:
        """What has to be sent and was not."""
        if self.tensor.name in sent:
            self._refuse_twice(sent)
            return []
        missing = [
            each.name for each in self._features if not each.optional and each.name not in sent
        ]
        return [self.tensor.name] if missing == self.names else missing

    def read(self, sent: Mapping[str, SentTensor], rows: int, limit_rows: int) -> NDArray[Any]:
        """Raises InvalidInput for the first value that its feature may not have."""
        whole = sent.get(self.tensor.name)
        if whole is not None and not self._is_whole:
            check_tensor(whole, self.tensor, limit_rows)
            if self._bounds is not None and self._fits(whole.array):
                return whole.array
            table = whole.array.reshape(rows, -1)
            columns = [
                _column(SentTensor(whole.entry, table[:, at], at, len(self._features)), each)
                for at, each in enumerate(self._features)
            ]
        else:
            columns = [self._of_name(sent, each, rows) for each in self._features]
        if len(columns) == 1:
            return columns[0].astype(self._part.dtype, copy=False).reshape(self._part.shape)
        return np.stack(columns, axis=1).astype(self._part.dtype, copy=False)

    def _refuse_twice(self, sent: Mapping[str, SentTensor]) -> None:
        for name in self.names:
            if name in sent and not self._is_whole:
                want = f"it within {scalar(self.tensor.name)} or by itself"
                raise sent[name].entry.fault("name", "the feature twice", want)

    def _fits(self, array: NDArray[Any]) -> bool:
        lowest, highest = self._bounds  # type: ignore[misc]  # asked only where there are any
        return bool(((array >= lowest) & (array <= highest)).all())

    def _of_name(self, sent: Mapping[str, SentTensor], feature: Feature, rows: int) -> NDArray[Any]:
        tensor = sent.get(feature.name)
        if tensor is None:
            return np.full(rows, MISSING.get(feature.dtype.kind), feature.dtype)
        entry = tensor.entry
        if entry.datatype != _datatype(feature):
            raise entry.fault("datatype", entry.datatype, _datatype(feature))
        if tensor.array.shape not in {(rows,), (rows, 1)}:
            raise entry.fault("shape", str(list(entry.shape)), "[rows] or [rows, 1]")
        return _column(replace(tensor, array=tensor.array.reshape(-1)), feature)


def _datatype(feature: Feature) -> str:
    """How a feature travels: words and dates are BYTES."""
    if feature.kind in {"string", "datetime"}:
        return BYTES
    if feature.dtype.kind == "O":
        return OF_OBJECTS[feature.kind]
    return datatype_of(feature.dtype)


def _column(sent: SentTensor, feature: Feature) -> NDArray[Any]:
    """The values [n] of a feature. Raises InvalidInput for the first that may not be."""
    column = sent.array
    if column.dtype == object:
        return _read(sent, feature)
    row = feature.first_unfit(column)
    if row is None:
        return column
    raise _fault(sent, row, scalar(column[row].item()), feature)


def _read(sent: SentTensor, feature: Feature) -> NDArray[Any]:
    """Words and dates, each read as a request of rows would have it."""
    values = []
    for row, element in enumerate(sent.array.tolist()):
        try:
            text = element if element is None else element.decode()
            values.append(feature.read({feature.name: text}))
        except (InvalidValue, UnicodeDecodeError) as wrong:
            told = wrong.sent if isinstance(wrong, InvalidValue) else "bytes that are no UTF-8"
            raise _fault(sent, row, told, feature) from None
    if feature.dtype.kind != "O":
        return np.array(values, feature.dtype)
    return objects(values)


def _fault(sent: SentTensor, row: int, told: str, feature: Feature) -> InvalidInput:
    name = f" for {scalar(feature.name)}" if sent.wide > 1 else ""
    return sent.entry.value_fault(row * sent.wide + sent.at, told, feature.wanted + name)
