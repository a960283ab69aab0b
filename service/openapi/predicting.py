"""The paths of a model below /models: its card, its example, and what it is asked and answers."""

from collections.abc import Mapping
from typing import Any

import orjson

from service.api.deadline import FIELD as DEADLINE
from service.api.models import example_media_type
from service.api.payload import PictureSchema
from service.forms import MULTIPART, URLENCODED
from service.inference.signature.answer_schema import answer_schema
from service.inference.signature.json_schema import (
    TEXT,
    JsonSchema,
    closed,
    form_schema,
    row_schema,
    rows_schema,
    tensors_schema,
    text_schema,
)
from service.inference.signature.rows import FeatureRows
from service.openapi import refusals
from service.openapi.names import shown
from service.openapi.served import Served
from service.openapi.shapes import HTML, JSON, YES, answered, content, listed, operation, ref, short
from service.problem_details import MEDIA_TYPE

FILE: JsonSchema = {"type": "string", "format": "binary"}
ENCODED = "the picture in base64, or as a data URL"
PICTURE = "Picture"
OF_PREDICT = (404, 415, 422)
ABSENT = {
    status: answered(
        refusals.MEANINGS[status],
        {MEDIA_TYPE: content(ref(refusals.PROBLEM)), HTML: content(TEXT)},
        refusals.HEADERS_OF.get(status, ()),
    )
    for status in (404, 503)
}


def components(served: Served) -> dict[str, JsonSchema]:
    """Describe what the model is sent and answers, by the names of the components."""
    signature, ignored = served.signature, served.model.manifest.ignored
    answer = answer_schema(
        signature.naming,
        served.golden.outputs,
        served.golden.answer,
        is_declared=bool(signature.outputs),
    )
    described = {
        served.called("Answer"): answer,
        served.called("Prediction"): _prediction(served, _one_or_many(served)),
    }
    if signature.rows:
        row, form = served.called("Row"), form_schema(signature.rows, ignored, shown)
        described |= {
            row: row_schema(signature.rows, ignored, shown),
            served.called("Rows"): rows_schema(ref(row), served.limit_rows),
            # A generated client tells by its type how a body is sent.
            served.called("Form"): form,
            served.called("Multipart"): form,
        }
    elif signature.kind == "tensor":
        specs = tuple(signature.inputs.values())
        described[served.called("Tensors")] = tensors_schema(specs)
        described[served.called("Batch")] = tensors_schema(specs, served.limit_rows)
    return described


def _one_or_many(served: Served) -> JsonSchema:
    answer = ref(served.called("Answer"))
    return answer if served.signature.kind == "image" else {"anyOf": [answer, listed(answer)]}


def _prediction(served: Served, response: JsonSchema) -> JsonSchema:
    model = closed({"name": {"type": "string", "const": served.model.name}, "version": TEXT})
    return closed({"success": YES, "response": response, "model": model})


def paths(served: Served) -> dict[str, JsonSchema]:
    """Describe each path of the model."""
    root = f"/models{served.path}"
    card = closed({"success": YES, "model": ref("ModelCard")})
    media_type = example_media_type(served.model)
    example = (
        TEXT | {"format": "binary"} if served.signature.kind == "image" else {"type": "object"}
    )
    pages = {JSON: content(card), HTML: content(TEXT)}
    return {
        root: _get(
            served, "describe", "Show the card of", {200: answered("The card.", pages), **ABSENT}
        ),
        f"{root}/predict": _predict(served),
        f"{root}/example": _get(
            served,
            "example",
            "Answer a request that works for",
            {200: answered("The body of a request.", {media_type: content(example)})},
        ),
    }


def _get(served: Served, verb: str, summary: str, answers: Mapping[int, JsonSchema]) -> JsonSchema:
    name, title = f"{verb}_{served.slug}", f"{summary} {served.title}"
    return {"get": operation(name, served.tag, title, answers, refusals.names([404]))}


def _predict(served: Served) -> JsonSchema:
    description = shown(served.model.manifest.description)
    answer = answered(
        "The answer: of one row, or a list for a list of rows.",
        {JSON: content(ref(served.called("Prediction")), _example_answer(served))},
    )
    described = {
        "post": operation(
            f"predict_{served.slug}",
            served.tag,
            f"Ask {served.title}",
            {200: answer},
            refusals.names(OF_PREDICT),
            description=description,
            parameters=[DEADLINE],
            requestBody=_body(served),
        )
    }
    if served.signature.rows:
        described["get"] = operation(
            f"query_{served.slug}",
            served.tag,
            f"Ask {served.title} by the query",
            {200: answer},
            refusals.names(OF_PREDICT),
            description=description,
            parameters=[*_queries(served, served.signature.rows), DEADLINE],
        )
    return described


def _example_answer(served: Served) -> Any:
    """What the model has answered to its example, where that is short."""
    if not served.golden.whole:
        return None
    model = {"name": served.model.name, "version": served.model.version}
    answer = {"success": True, "response": served.golden.answer, "model": model}
    try:
        return short(orjson.dumps(answer))
    except TypeError:  # a model may answer objects that are no JSON
        return None


def _queries(served: Served, rows: FeatureRows) -> list[JsonSchema]:
    example = short(served.signature.example)
    values = rows.query(example) if example else {}
    queries = []
    for feature in rows.features:
        schema = text_schema(feature, shown)
        query = {"name": feature.name, "in": "query", "required": not feature.optional}
        if "description" in schema:
            query["description"] = schema.pop("description")
        if feature.name in values:
            query["example"] = _spelt(values[feature.name], schema)
        queries.append(query | {"schema": schema})
    known = {feature.name for feature in rows.features}
    ignored = [name for name in dict.fromkeys(served.model.manifest.ignored) if name not in known]
    return [*queries, *({"name": name, "in": "query", "schema": TEXT} for name in ignored)]


def _spelt(text: str, schema: JsonSchema) -> Any:
    """The value that *text* spells in a query."""
    return text if schema["type"] == "string" else orjson.loads(text)


def _body(served: Served) -> JsonSchema:
    signature = served.signature
    if signature.kind == "image":
        return {"required": True, "content": _picture_contents()}
    example = short(signature.example)
    if not signature.rows:
        kinds = [ref(served.called("Tensors")), ref(served.called("Batch"))]
        return {"required": True, "content": {JSON: content({"anyOf": kinds}, example)}}
    kinds = [ref(served.called("Row")), ref(served.called("Rows"))]
    is_needed = any(not feature.optional for feature in signature.rows.features)
    contents = {
        JSON: content({"anyOf": kinds}, example),
        URLENCODED: content(ref(served.called("Form"))),
        MULTIPART: content(ref(served.called("Multipart"))),
    }
    return {"required": is_needed, "content": contents}


def _picture_contents() -> dict[str, JsonSchema]:
    form = {"type": "object", "properties": {"image": FILE}, "required": ["image"]}
    return {
        "image/*": {"schema": FILE},
        MULTIPART: {"schema": form},
        JSON: content(ref(PICTURE), short(PictureSchema.request_example)),
    }


def picture_schema(described: JsonSchema) -> JsonSchema:
    """Describe a picture in JSON, of which Marshmallow's schema has *described* the fields."""
    encoded = {"type": "string", "contentEncoding": "base64", "description": ENCODED}
    fields = {name: field | encoded for name, field in described["properties"].items()}
    return described | {"properties": fields, "minProperties": 1, "maxProperties": 1}
