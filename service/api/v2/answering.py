"""From what a model has answered to the body of an infer answer."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

from service.compression import pack
from service.inference.protocol.request import InferRequest, OutputEntry
from service.inference.protocol.response import OutputTensor, travelling, write
from service.inference.signature.classes import best_classes
from service.inference.signature.signature import Signature
from service.inference.tensors import Tensors

# An answer of more values is written beside the hub: 50,000 numbers in JSON take about 3 ms.
LARGE_VALUES = 50_000

# What a value takes of that time where it is no number in JSON: one in bytes is only copied, of
# BYTES each is an object, and of classes all have to be sorted.
OBJECT_VALUES, CLASS_VALUES = 10, 4

# A value on its way into an answer, as text and as an object.
VALUE_BYTES, OBJECT_BYTES = 24, 100


class Written(NamedTuple):
    """A *body*, and how long its JSON is if bytes follow."""

    body: bytes
    json_bytes: int | None


class Answering:
    """What *request* asks for of the *outputs* of a model of *signature*."""

    def __init__(self, request: InferRequest, signature: Signature, outputs: Tensors) -> None:
        """All that is answered is asked for where nothing is named. Raises InvalidInput."""
        self._signature = signature
        answered = signature.naming.answered(outputs)
        entries = request.outputs or [
            OutputEntry(at=at, name=name) for at, name in enumerate(answered)
        ]
        self._parts = [
            (entry, answered[entry.name], _is_binary(entry, request)) for entry in entries
        ]
        for entry, array, _ in self._parts:
            if entry.classes and array.dtype.kind not in "biuf":
                raise entry.fault("parameters", "classification", "it for an output of numbers")

    @property
    def is_large(self) -> bool:
        """Whether to write it would keep everybody else waiting."""
        values = (_values(entry, array, is_binary=raw) for entry, array, raw in self._parts)
        return sum(values) > LARGE_VALUES

    @property
    def size_bytes(self) -> int:
        """What is made while it is written, at most."""
        return sum(
            array.size * (OBJECT_BYTES if _is_of_objects(entry, array) else VALUE_BYTES)
            for entry, array, _ in self._parts
        )

    def write(self, head: Mapping[str, Any], coding: str) -> Written:
        """Write *head* and the outputs, compressed with *coding* if there is one."""
        body, json_bytes = write(head, self._tensors())
        if coding:
            body = pack(body, coding=coding)
        return Written(body, json_bytes)

    def _tensors(self) -> Sequence[OutputTensor]:
        naming = self._signature.naming
        return [
            OutputTensor(
                entry.name,
                best_classes(naming, entry.name, array, entry.classes)
                if entry.classes
                else travelling(array),
                is_binary,
            )
            for entry, array, is_binary in self._parts
        ]


def _is_binary(entry: OutputEntry, request: InferRequest) -> bool:
    return request.binary_output if entry.is_binary is None else entry.is_binary


def _is_of_objects(entry: OutputEntry, array: NDArray[Any]) -> bool:
    return bool(entry.classes) or array.dtype.kind not in "biuf"


def _values(entry: OutputEntry, array: NDArray[Any], *, is_binary: bool) -> int:
    """How many numbers in JSON take as long."""
    if entry.classes:
        chosen = len(array) * min(entry.classes, array.size // max(1, len(array)))
        return array.size * CLASS_VALUES + chosen * OBJECT_VALUES
    if _is_of_objects(entry, array):
        return array.size * OBJECT_VALUES
    return 0 if is_binary else array.size
