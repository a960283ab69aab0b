"""JSON Schemas, answers and operations, as OpenAPI 3.1 writes them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from service.inference.signature.json_schema import JsonSchema

JSON, HTML = "application/json", "text/html"

# Longer examples hide what they explain.
EXAMPLE_BYTES = 4096

COUNT: JsonSchema = {"type": "integer", "minimum": 0}
YES: JsonSchema = {"type": "boolean", "const": True}
NO: JsonSchema = {"type": "boolean", "const": False}


def ref(name: str, kind: str = "schemas") -> JsonSchema:
    """Point to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def listed(item: JsonSchema) -> JsonSchema:
    """Describe a list."""
    return {"type": "array", "items": item}


def content(schema: JsonSchema, example: Any = None) -> JsonSchema:
    """Describe what is sent in one media type; an *example* is there where it is short."""
    return {"schema": schema} | ({} if example is None else {"example": example})


def short(example: bytes) -> Any:
    """Read an *example* in JSON that is short enough to be shown, else None."""
    return orjson.loads(example) if len(example) <= EXAMPLE_BYTES else None


def answered(
    description: str, contents: Mapping[str, JsonSchema], headers: Sequence[str] = ()
) -> JsonSchema:
    """Describe an answer that has one of the *contents*, by media type."""
    return {
        "description": description,
        "headers": {name: ref(name, "headers") for name in ("X-Request-ID", *headers)},
        "content": dict(contents),
    }


def in_json(description: str, schema: JsonSchema, example: Any = None) -> JsonSchema:
    """Describe an answer in JSON."""
    return answered(description, {JSON: content(schema, example)})


def operation(
    operation_id: str,
    tag: str,
    summary: str,
    answers: Mapping[int, JsonSchema],
    refusals: Iterable[str],
    **members: Any,
) -> JsonSchema:
    """Describe one method of a path; *refusals* are names of components."""
    responses = {str(status): answer for status, answer in answers.items()}
    for name in refusals:
        responses.setdefault(name[-3:], ref(name, "responses"))
    return {
        "operationId": operation_id,
        "tags": [tag],
        "summary": summary,
        **{name: value for name, value in members.items() if value},
        "responses": dict(sorted(responses.items())),
    }
