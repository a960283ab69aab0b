"""/models/<name>/predict: a picture in, by any of four doors; a label out, the same by each."""

from typing import Any, cast

import pybase64
from flask import Blueprint
from marshmallow import Schema, ValidationError, fields, validates_schema

from service import errors, exchange, metrics
from service.answer import Answer
from service.api.models import catalog
from service.inference.catalog import Model, Prediction
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
        with metrics.queued(name):
            prediction = model.classify(_picture())
    except (errors.ModelFailed, errors.ModelUnavailable):
        record["outcome"] = "failed"
        raise
    record |= _stages(prediction) | {"outcome": "answered"}
    return Answer(_answer(model, prediction))


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


def _stages(prediction: Prediction) -> dict[str, float]:
    return {
        "wait_ms": round(prediction.wait_ms, 3),
        "decode_ms": round(prediction.decode_ms, 3),
        "infer_ms": round(prediction.infer_ms, 3),
    }


def _answer(model: Model, prediction: Prediction) -> dict[str, Any]:
    answer = prediction.answer
    return {
        "success": True,
        "response": {
            "label": answer.label,
            "scores": answer.scores,
            "top": [{"label": ranked.label, "score": ranked.score} for ranked in answer.top],
        },
        "model": {"name": model.name, "version": model.manifest.version},
    }
