"""/models/<name>/predict: a picture in, by any of four doors; a label out, the same by each."""

from time import perf_counter
from typing import Any, cast

import pybase64
from flask import Blueprint, current_app
from marshmallow import Schema, ValidationError, fields, validates_schema

from service import errors, exchange, metrics
from service.answer import Answer
from service.api import budget
from service.api.models import catalog
from service.inference import images
from service.inference.classification import classify
from service.inference.jobs import Answered
from service.inference.model import Model
from service.inference.tensors import Tensors
from service.request import request

blueprint = Blueprint("predict", __name__)

DOORS = (
    "the picture itself as image/*, a multipart form with a file field image, "
    'or JSON {"image": "<base64>"}'
)


class Base64Field(fields.Field[bytes]):
    """Standard base64 (RFC 4648 section 4), bare or in a data URL (RFC 2397); nothing lenient."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bytes:
        if not isinstance(value, str):
            raise ValidationError("not a string; send the picture's bytes in base64")
        if value.startswith("data:"):
            head, comma, value = value.partition(",")
            if not (comma and head.endswith(";base64")):
                raise ValidationError("not a base64 data URL; send data:image/jpeg;base64,<base64>")
        try:
            return pybase64.b64decode(value, validate=True)
        except ValueError as error:
            raise ValidationError(
                f"not base64 ({error}); send the standard alphabet with padding and no line breaks"
            ) from None


class PictureSchema(Schema):
    """One picture, under its own name or the tutorial's."""

    image = Base64Field()
    msg = Base64Field()

    @validates_schema(skip_on_field_errors=True)
    def _has_one(self, sent: dict[str, Any], **_: Any) -> None:
        if len(sent) != 1:
            raise ValidationError("exactly one is needed: send the picture in base64", "image")


PICTURE = PictureSchema()


@blueprint.post("/models/<name>/predict")
def predict(name: str) -> Answer:
    """Classify the picture that the request carries."""
    model = catalog().find(name)
    record = exchange.current().prediction
    record |= {"model": name, "version": model.manifest.version, "rows": 1, "outcome": "refused"}
    try:
        with metrics.queued(name, rows=1):
            response = _response(model, _picture(), record)
    except errors.ServiceError as error:
        record["outcome"] = metrics.outcome_of(error)
        raise
    record["outcome"] = "answered"
    version = {"name": model.name, "version": model.manifest.version}
    return Answer({"success": True, "response": response, "model": version})


def _response(model: Model, picture: bytes, record: dict[str, Any]) -> dict[str, Any]:
    deadline_s = budget.deadline_s(model)
    told, limit_pixels = model.manifest, current_app.extensions["settings"].image_limit_pixels

    def decode() -> tuple[Tensors, float]:
        started = perf_counter()
        pixels = images.decode(picture, told.image, limit_pixels)
        return {told.input: pixels[None]}, (perf_counter() - started) * 1000

    inputs, decode_ms = model.decode(decode, deadline_s=deadline_s)
    answered = model.ask(inputs, deadline_s=deadline_s, gone=budget.client_gone())
    record |= _stages(answered, decode_ms)
    answer = classify(told, answered.outputs, 0)
    return {
        "label": answer.label,
        "scores": answer.scores,
        "top": [{"label": ranked.label, "score": ranked.score} for ranked in answer.top],
    }


def _picture() -> bytes:
    """The encoded picture, by whichever door it came."""
    if request.mimetype.startswith("image/"):
        return request.get_data()
    if request.is_json:
        sent = PICTURE.load(request.json_object())
        (picture,) = sent.values()  # the schema lets only one pass
        return cast("bytes", picture)
    if request.mimetype == "multipart/form-data":
        return _uploaded()
    raise request.unsupported(DOORS)


def _uploaded() -> bytes:
    file = request.files.get("image")
    if file is None:
        sent = sorted({*request.files, *request.form})
        fault = f"no such file in the form, which has {sent[:5]}; send the picture as a file"
        raise ValidationError({"image": [fault]})
    return file.stream.read()


def _stages(answered: Answered, decode_ms: float) -> dict[str, float]:
    return {
        "batch_rows": answered.batch_rows,
        "wait_ms": round(answered.wait_ms, 3),
        "decode_ms": round(decode_ms, 3),
        "infer_ms": round(answered.infer_ms, 3),
    }
