"""The envelope of an infer request: Marshmallow's schema of all but the tensors' numbers."""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

from marshmallow import ValidationError, fields, post_load

from service.faults import Told, kind_of, scalar
from service.inference.protocol.datatypes import DATATYPES
from service.inference.protocol.request import InferRequest, InputEntry, OutputEntry
from service.request_schema import RequestSchema

# NumPy has arrays of so many axes; no model has so many numbers.
AXES, NUMBERS = 64, 1 << 48

MICROSECONDS = 1_000_000

INPUT_MEMBERS = frozenset({"name", "shape", "datatype", "parameters", "data"})
OUTPUT_MEMBERS = frozenset({"name", "parameters"})
LISTED = ", ".join(DATATYPES)


class ParametersField(fields.Field[dict[str, Any]]):
    """Free parameters, of which this service reads some; null is none."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, Any]:
        return _parameters(value, "the request")


class InputsField(fields.Field[list[InputEntry]]):
    """The input tensors, each name once."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> list[InputEntry]:
        return _entries(value, "input", INPUT_MEMBERS, _input)


class OutputsField(fields.Field[list[OutputEntry]]):
    """The outputs that are asked for, each name once; null or none is all of them."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> list[OutputEntry]:
        return _entries(value, "output", OUTPUT_MEMBERS, _output) if value != [] else []


class InferSchema(RequestSchema):
    """
    An infer request. Names that the protocol does not have are refused.

    KServe's client tells the model's name and version here as well; the path's count.
    """

    model_name = fields.String(allow_none=True)
    model_version = fields.String(allow_none=True)
    id = fields.String(allow_none=True, load_default=None, metadata={"wanted": "a string"})
    parameters = ParametersField(
        allow_none=True,
        load_default=None,
        metadata={"wanted": "an object of strings, numbers and booleans"},
    )
    inputs = InputsField(required=True, metadata={"wanted": "a list of tensors"})
    outputs = OutputsField(
        allow_none=True, load_default=None, metadata={"wanted": "a list of outputs' names"}
    )

    @post_load
    def _request(self, said: dict[str, Any], **_: Any) -> InferRequest:
        parameters = said["parameters"] or {}
        for name in ("sequence_id", "sequence_start", "sequence_end"):
            if parameters.get(name):
                raise ValidationError({"parameters": {name: ["models here keep no sequences"]}})
        timeout = _number(parameters, "timeout", "the request")
        return InferRequest(
            inputs=said["inputs"],
            outputs=said["outputs"] or (),
            id=said["id"],
            timeout_s=timeout / MICROSECONDS if timeout else None,
            binary_output=bool(_flag(parameters, "binary_data_output", "the request")),
        )


def _entries(
    value: Any, noun: str, members: frozenset[str], read: Callable[[int, str, dict[str, Any]], Any]
) -> list[Any]:
    """Read each object of the list *value*, which has some of *members*, its name first."""
    if not isinstance(value, list) or not value:
        raise ValidationError(f"{kind_of(value)} was sent, a list of {noun}s is wanted")
    entries: dict[str, Any] = {}
    for at, sent in enumerate(value):
        if not isinstance(sent, dict):
            raise ValidationError({at: [f"{kind_of(sent)} was sent, an object is wanted"]})
        name = sent.get("name")
        if not isinstance(name, str) or not name:
            told = "nothing" if "name" not in sent else kind_of(name)
            raise ValidationError({at: {"name": [f"{told} was sent, an {noun}'s name is wanted"]}})
        called = f"{noun} {scalar(name)}"
        try:
            if name in entries:
                raise _fault("name", f"{called} stands here twice")
            if strange := sent.keys() - members:
                raise _fault(min(strange), f"{called}: no such member of an {noun}")
            entries[name] = read(at, called, sent)
        except ValidationError as error:
            raise ValidationError({at: error.messages}) from None
    return list(entries.values())


def _fault(member: str, told: str) -> ValidationError:
    return ValidationError({member: [told]})


def _told(called: str, value: Any, want: str) -> Told:
    """Say that *value* was sent, which is left out where no value may be repeated."""
    before, after = f"{called}: ", f" was sent, {want}"
    return Told(f"{before}{scalar(value)}{after}", f"{before}{kind_of(value)}{after}")


def _parameter(name: str, before: str, told: str, value: Any) -> ValidationError:
    without = told.replace(scalar(value), kind_of(value), 1)
    return ValidationError({"parameters": {name: [Told(before + told, before + without)]}})


def _input(at: int, called: str, sent: dict[str, Any]) -> InputEntry:
    parameters = _parameters_of(sent, called)
    datatype, data = sent.get("datatype"), sent.get("data")
    if not isinstance(datatype, str) or datatype not in DATATYPES:
        want = f"one of {LISTED} is wanted"
        if "datatype" not in sent:
            raise _fault("datatype", f"{called}: nothing was sent, {want}")
        raise _fault("datatype", _told(called, datatype, want))
    size = _number(parameters, "binary_data_size", called)
    if data is not None and size is not None:
        raise _fault("data", f"{called}: data and binary_data_size were sent; send one of them")
    if size is None and not isinstance(data, list):
        told = kind_of(data) if "data" in sent else "nothing"
        raise _fault("data", f"{called}: {told} was sent, a list or binary_data_size is wanted")
    return InputEntry(
        at=at,
        name=sent["name"],
        datatype=datatype,
        shape=_shape(called, sent.get("shape")),
        data=data,
        binary_bytes=size,
        is_base64=parameters.get("content_type") == "base64" and datatype == "BYTES",
    )


def _shape(called: str, sent: Any) -> tuple[int, ...]:
    want = "a list of sizes is wanted"
    if not isinstance(sent, list) or len(sent) > AXES:
        raise _fault("shape", f"{called}: {kind_of(sent)} was sent, {want}")
    for size in sent:
        if type(size) is not int or size < 0:
            raise _fault("shape", _told(called, size, f"in a shape; {want}"))
    if prod(size or 1 for size in sent) > NUMBERS:
        raise _fault("shape", f"{called}: a tensor of that shape has more numbers than any model")
    return tuple(sent)


def _output(at: int, called: str, sent: dict[str, Any]) -> OutputEntry:
    parameters = _parameters_of(sent, called)
    classes = _number(parameters, "classification", called)
    if classes == 0:
        raise _fault("parameters", f"{called}: classification is 0, 1 class or more is wanted")
    return OutputEntry(
        at=at,
        name=sent["name"],
        is_binary=_flag(parameters, "binary_data", called),
        classes=classes or 0,
    )


def _parameters_of(sent: dict[str, Any], called: str) -> dict[str, Any]:
    try:
        return _parameters(sent.get("parameters"), called)
    except ValidationError as error:
        raise ValidationError({"parameters": error.messages}) from None


def _parameters(sent: Any, called: str) -> dict[str, Any]:
    if sent is None:
        return {}
    if not isinstance(sent, dict):
        raise ValidationError(f"{called}: {kind_of(sent)} was sent, an object is wanted")
    for name, value in sent.items():
        if name.startswith("shared_memory_"):
            told = f"{called}: there is no shared memory here; send the tensor in the body"
            raise ValidationError({name[:100]: [told]})
        if isinstance(value, list | dict):
            told = f"{called}: {kind_of(value)} was sent, a string, a number or a boolean is wanted"
            raise ValidationError({name: [told]})
    return sent


def _number(parameters: Mapping[str, Any], name: str, called: str) -> int | None:
    """A whole number of 0 or more, None where there is none."""
    value = parameters.get(name)
    if value is not None and (type(value) is not int or value < 0):
        told = f"{scalar(value)}, a whole number of 0 or more is wanted"
        raise _parameter(name, f"{called}: {name} is ", told, value)
    return value


def _flag(parameters: Mapping[str, Any], name: str, called: str) -> bool | None:
    value = parameters.get(name)
    if value is not None and not isinstance(value, bool):
        told = f"{scalar(value)}, true or false is wanted"
        raise _parameter(name, f"{called}: {name} is ", told, value)
    return value
