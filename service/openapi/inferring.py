"""The paths of a model below /v2/models, as the Open Inference Protocol has them."""

from collections.abc import Iterable
from typing import Any

from marshmallow import Schema

from service.api.deadline import FIELD as DEADLINE
from service.api.v2.envelope import InferSchema
from service.api.v2.infer import OCTETS
from service.inference.protocol.description import NamedTensor
from service.inference.protocol.framing import FIELD as JSON_LENGTH
from service.inference.signature.json_schema import TEXT, JsonSchema, closed
from service.inference.signature.rows import ROWS
from service.openapi import refusals
from service.openapi.schemas import DATATYPE, PARAMETERS
from service.openapi.served import Served
from service.openapi.shapes import (
    COUNT,
    EXAMPLE_BYTES,
    JSON,
    answered,
    content,
    in_json,
    listed,
    operation,
    ref,
    short,
)

ENVELOPE: type[Schema] = InferSchema
OF_INFER = (404, 415, 422)
GIVEN = "The outputs that were asked for, all where none was named."
BINARY: JsonSchema = {"type": "string", "format": "binary"}
SHAPES = (
    "Tensors by name, each with as many values as its shape says; `binary_data_size` in the place "
    "of `data` where bytes follow the JSON."
)


def components(served: Served, envelope: JsonSchema) -> dict[str, JsonSchema]:
    """Describe what is asked and answered; the *envelope* is the request's but for the tensors."""
    outputs = [each.name for each in served.golden.outputs]
    output = closed(
        {"name": {"type": "string", "enum": outputs}, "parameters": PARAMETERS}, ("parameters",)
    )
    asked = envelope["properties"] | {
        "parameters": PARAMETERS,
        "inputs": listed(_inputs(served)) | {"minItems": 1, "description": SHAPES},
        "outputs": {"type": ["array", "null"], "items": output, "maxItems": len(outputs)},
    }
    answer = {
        "model_name": {"type": "string", "const": served.model.name},
        "model_version": TEXT,
        "id": TEXT,
        "outputs": listed(ref("OutputTensor")),
    }
    return {
        served.called("Infer"): envelope | {"properties": asked},
        served.called("Inferred"): closed(answer),
    }


def _inputs(served: Served) -> JsonSchema:
    """Describe an input, which may also be a feature by itself, or all of them as `rows`."""
    signature = served.signature
    known = [_tensor(each) for each in signature.tensors.inputs]
    if signature.rows:
        names = [*(each.name for each in signature.rows.features), ROWS]
        known.append(_column(dict.fromkeys(names)))
    if signature.kind == "image":
        name = signature.tensors.inputs[0].name
        known.append(_tensor(NamedTensor(name, "BYTES", (1,))) | {"description": "in base64"})
    return known[0] if len(known) == 1 else {"anyOf": known}


def _tensor(tensor: NamedTensor) -> JsonSchema:
    sizes = listed(COUNT) | {"minItems": len(tensor.shape)}
    if len(tensor.shape) > 1:
        sizes["maxItems"] = len(tensor.shape)
    named = {
        "name": {"type": "string", "const": tensor.name},
        "datatype": {"type": "string", "const": tensor.datatype},
    }
    return _input(named, sizes)


def _column(names: Iterable[str]) -> JsonSchema:
    name = {"type": "string", "enum": [*names]}
    sizes = listed(COUNT) | {"minItems": 1, "maxItems": 2}
    return _input({"name": name, "datatype": DATATYPE}, sizes)


def _input(named: dict[str, JsonSchema], sizes: JsonSchema) -> JsonSchema:
    members = named | {"shape": sizes, "data": listed({}), "parameters": PARAMETERS}
    return closed(members, ("data", "parameters"))


def paths(served: Served) -> dict[str, JsonSchema]:
    """Describe each path of the model."""
    root = f"/v2/models{served.path}"
    ready = in_json("It answers.", closed({"name": TEXT, "ready": {"const": True}}))
    statistics = closed({"model_stats": listed(ref("Statistics"))})
    gets = {
        "": ("metadata", "Show what it takes and gives:", in_json("It.", ref("Metadata"))),
        "/ready": ("ready", "Say that it answers:", ready),
        "/config": ("config", "Show how it is served:", in_json("It.", ref("Configuration"))),
        "/stats": ("stats", "Tell what it has done:", in_json("It.", statistics)),
    }
    described: dict[str, Any] = {
        f"{root}{end}": _get(served, verb, summary, answer)
        for end, (verb, summary, answer) in gets.items()
    }
    return described | {f"{root}/infer": {"post": _infer(served)}}


def _get(served: Served, verb: str, summary: str, answer: JsonSchema) -> JsonSchema:
    names = refusals.names([404], is_protocols=True)
    title = f"{summary} {served.title}"
    return {"get": operation(f"{verb}_{served.slug}", served.tag, title, {200: answer}, names)}


def _infer(served: Served) -> JsonSchema:
    is_short = served.signature.kind == "image" or len(served.signature.example) <= EXAMPLE_BYTES
    example = short(served.signature.tensor_example) if is_short else None
    answers = {JSON: content(ref(served.called("Inferred"))), OCTETS: content(BINARY)}
    asked = {JSON: content(ref(served.called("Infer")), example), OCTETS: content(BINARY)}
    return operation(
        f"infer_{served.slug}",
        served.tag,
        f"Ask {served.title} by tensors",
        {200: answered(GIVEN, answers, [JSON_LENGTH])},
        refusals.names(OF_INFER, is_protocols=True),
        parameters=[JSON_LENGTH, DEADLINE],
        requestBody={"required": True, "content": asked},
    )
