"""Tensors by name, as the Open Inference Protocol carries them, made into the model's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pybase64
from numpy.typing import NDArray

from service.errors import InvalidInput
from service.faults import FAULTS_TOLD, Fault, pointer, scalar
from service.inference.pictures.decoding import Reserve, unlimited
from service.inference.protocol.binary_data import objects
from service.inference.protocol.datatypes import BYTES, datatype_of
from service.inference.protocol.description import NamedTensor
from service.inference.protocol.request import InputEntry
from service.inference.protocol.response import travelling
from service.inference.signature.nested import NestedTensors
from service.inference.signature.pictures import Pictures
from service.inference.signature.question import Question
from service.inference.tensors import TensorSpec


@dataclass(frozen=True, slots=True)
class SentTensor:
    """
    A tensor that was sent: its *array* has the shape and the datatype that *entry* says.

    Or it is the column [n] *at* that place of the *wide* ones of a matrix that was sent.
    """

    entry: InputEntry
    array: NDArray[Any]
    at: int = 0
    wide: int = 1


class TensorReader(Protocol):
    """What makes tensors by name into the arrays of a model of one kind."""

    @property
    def inputs(self) -> Sequence[NamedTensor]:
        """What it takes, as it is described to clients."""

    def read(self, sent: Mapping[str, SentTensor], reserve: Reserve = unlimited, /) -> Question:
        """
        Check and take over what was *sent*, without copying what fits as it is.

        Raises InvalidInput naming the tensor, and of a picture what `pictures.decode` does.
        """


def described(spec: TensorSpec) -> NamedTensor:
    """Say what the artefact declares."""
    return NamedTensor(spec.name, datatype_of(spec.datatype), tuple(spec.shape))


def described_output(
    name: str, array: NDArray[Any], spec: TensorSpec | None, *, is_free: bool
) -> NamedTensor:
    """
    Describe an output as *array* is; its sizes are those that the artefact declares, if any.

    Where it declares none and inputs have sizes that are free, or texts, so may the output's be.
    """
    sizes = (-1,) * array.ndim if is_free else array.shape
    declared = tuple(spec.shape) if spec and len(spec.shape) == array.ndim else sizes
    return NamedTensor(name, datatype_of(travelling(array[:0]).dtype), (-1, *declared[1:]))


def check_tensor(sent: SentTensor, tensor: NamedTensor, limit_rows: int) -> None:
    """Raise InvalidInput unless *sent* is as *tensor* says, in one row to *limit_rows*."""
    entry = sent.entry
    if entry.datatype != tensor.datatype:
        raise entry.fault("datatype", entry.datatype, tensor.datatype)
    sizes = zip(entry.shape[1:], tensor.shape[1:], strict=False)
    is_column = len(tensor.shape) == 1 and entry.shape[1:] == (1,)
    fits = len(entry.shape) == len(tensor.shape) or is_column
    if not fits or any(size == 0 or want not in {-1, size} for size, want in sizes):
        listed = ", ".join("any" if size < 0 else str(size) for size in tensor.shape[1:])
        want = f"[rows{', ' if listed else ''}{listed}]"
        raise entry.fault("shape", str(list(entry.shape)), want)
    check_rows(entry, limit_rows)


def check_rows(entry: InputEntry, limit_rows: int) -> None:
    """Raise InvalidInput unless *entry* has one row to *limit_rows*."""
    rows = entry.shape[0] if entry.shape else 0
    if not 1 <= rows <= limit_rows:
        raise entry.fault("shape", f"{rows} rows", f"1 to {limit_rows} rows")


def check_names(sent: Mapping[str, SentTensor], known: Sequence[str], missing: list[str]) -> None:
    """Raise InvalidInput for tensors of a name that is not *known*, and for those *missing*."""
    listed = ", ".join(known[:FAULTS_TOLD])
    faults = [
        Fault(
            pointer("inputs", tensor.entry.at, "name"),
            scalar(name),
            listed,
            f"there is no input {scalar(name)}; the model takes {listed}",
        )
        for name, tensor in sent.items()
        if name not in known
    ]
    faults += [
        Fault(pointer("inputs"), "nothing", name, f"the input {scalar(name)} is missing")
        for name in missing
    ]
    if faults:
        raise InvalidInput(faults[:FAULTS_TOLD])


def one_row_count(sent: Mapping[str, SentTensor]) -> int:
    """How many rows each of the tensors has. Raises InvalidInput where they differ."""
    first, *others = (tensor.entry for tensor in sent.values())
    for entry in others:
        if entry.shape[0] != first.shape[0]:
            want = f"{first.shape[0]}, as {scalar(first.name)} has"
            raise entry.fault("shape", f"{entry.shape[0]} rows", want)
    return first.shape[0]


def texts(sent: SentTensor) -> NDArray[Any]:
    """The strings of a tensor of BYTES. Raises InvalidInput for a null or what is no UTF-8."""
    read: list[str] = []
    for at, element in enumerate(sent.array.ravel().tolist()):
        try:
            read.append(element.decode())
        except (UnicodeDecodeError, AttributeError):
            told = "null" if element is None else "bytes that are no UTF-8"
            raise sent.entry.value_fault(at, told, "a string in UTF-8") from None
    return objects(read).reshape(sent.entry.shape)


def check_finite(sent: SentTensor) -> None:
    """Raise InvalidInput for NaN and infinities."""
    array = sent.array
    if array.dtype.kind != "f":
        return
    finite = np.isfinite(array)
    if not finite.all():
        at = int(np.argmin(finite.reshape(-1)))
        told = str(array.reshape(-1)[at])
        raise sent.entry.value_fault(at, told, "a finite number")


class PlainTensors:
    """The inputs as the artefact has them, for models of no named features."""

    def __init__(
        self, specs: Mapping[str, TensorSpec], nested: NestedTensors, limit_rows: int
    ) -> None:
        self.inputs = tuple(map(described, specs.values()))
        self._nested = nested
        self._limit_rows = limit_rows

    def read(self, sent: Mapping[str, SentTensor], _reserve: Reserve = unlimited) -> Question:
        """Take each over; a size that is free and has a name is one size in all."""
        known = [tensor.name for tensor in self.inputs]
        check_names(sent, known, [name for name in known if name not in sent])
        arrays = {}
        for tensor in self.inputs:
            own = sent[tensor.name]
            check_tensor(own, tensor, self._limit_rows)
            check_finite(own)
            array = texts(own) if tensor.datatype == BYTES else own.array
            flat = len(tensor.shape) == 1
            arrays[tensor.name] = array.reshape(-1) if flat else array
        self._nested.check_shared(
            arrays, lambda name, told, want: sent[name].entry.fault("shape", told, want)
        )
        return Question(arrays, one_row_count(sent), single=False)


class PictureTensor:
    """A picture's numbers as the model takes them, or one BYTES element: an encoded picture."""

    def __init__(self, pictures: Pictures, limit_rows: int) -> None:
        self.inputs = (described(pictures.spec),)
        self._pictures = pictures
        self._limit_rows = limit_rows

    def read(self, sent: Mapping[str, SentTensor], reserve: Reserve = unlimited) -> Question:
        """Decode the picture, or take the numbers over."""
        (tensor,) = self.inputs
        check_names(sent, [tensor.name], [] if tensor.name in sent else [tensor.name])
        own = sent[tensor.name]
        if own.entry.datatype == BYTES:
            return self._pictures.read(_picture(own), reserve)
        check_tensor(own, tensor, self._limit_rows)
        check_finite(own)
        return Question({tensor.name: own.array}, own.entry.shape[0], single=False)


def _picture(sent: SentTensor) -> bytes:
    """The encoded picture; in JSON, which holds no bytes, it is base64 or a data URL."""
    entry, elements = sent.entry, sent.array.ravel().tolist()
    if len(elements) != 1 or elements[0] is None:
        told = "null" if len(elements) == 1 else f"{len(elements)} elements"
        raise entry.fault("shape", told, "one element: an encoded picture")
    element: bytes = elements[0]
    if entry.data is None or entry.is_base64:
        return element
    head, is_url, rest = element.partition(b";base64,")
    if is_url and head.startswith(b"data:"):
        element = rest
    try:
        return pybase64.b64decode(element, validate=True)
    except ValueError:
        want = "a picture's bytes in base64, or as binary data"
        raise entry.value_fault(0, f"a string of {len(element)} bytes", want) from None
