"""/models/<name>/predict: what the model takes in, by any of its doors; its answer out."""

from collections.abc import Callable
from time import perf_counter
from typing import Any, cast

import pybase64
from flask import Blueprint
from marshmallow import Schema, ValidationError, fields, validates_schema
from werkzeug.exceptions import MethodNotAllowed

from service import errors, exchange, metrics
from service.answer import Answer
from service.api import budget
from service.api.models import catalog
from service.inference.features import Features
from service.inference.model import Model
from service.inference.question import Question
from service.inference.signature import Pictures, Signature
from service.request import request

blueprint = Blueprint("predict", __name__)

PICTURE_DOORS = (
    "the picture itself as image/*, a multipart form with a file field image, "
    'or JSON {"image": "<base64>"}'
)
FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}

# A valid request for any model of pictures: a GIF of one pixel.
PIXEL = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


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

    def handle_error(self, error: ValidationError, *_: Any, **__: Any) -> None:
        """Show with every fault what would be right."""
        error.kwargs["example"] = {"image": PIXEL}


PICTURE = PictureSchema()


@blueprint.route("/models/<name>/predict", methods=["GET", "POST"])
@blueprint.route("/models/<name>/versions/<version>/predict", methods=["GET", "POST"])
def predict(name: str, version: str | None = None) -> Answer:
    """Answer the rows, the tensors or the picture that the request carries."""
    model = catalog().find(name, version)
    told, signature = model.manifest, model.signature
    record = exchange.current().prediction
    record |= {"model": name, "version": told.version, "rows": 1, "outcome": "refused"}
    try:
        response = _response(model, signature, record)
    except errors.ServiceError as error:
        record["outcome"] = metrics.outcome_of(error)
        raise
    record["outcome"] = "answered"
    answered = {"name": name, "version": told.version}
    return Answer({"success": True, "response": response, "model": answered})


def _response(model: Model, signature: Signature, record: dict[str, Any]) -> Any:
    deadline_s = budget.deadline_s(model)
    if isinstance(signature.reader, Pictures):
        question, decode_ms = _pictured(model, signature.reader, deadline_s)
    else:
        question, decode_ms = _timed(lambda: _read(signature))()
    record["rows"] = question.rows
    with metrics.queued(model.name, question.rows):
        answered = model.ask(question.inputs, deadline_s=deadline_s, gone=budget.client_gone())
    record |= {
        "batch_rows": answered.batch_rows,
        "wait_ms": round(answered.wait_ms, 3),
        "decode_ms": decode_ms,
        "infer_ms": round(answered.infer_ms, 3),
    }
    answers = signature.answers(answered.outputs)
    return answers[0] if question.single else answers


def _pictured(model: Model, reader: Pictures, deadline_s: float) -> tuple[Question, float]:
    if request.method != "POST":
        raise MethodNotAllowed(["POST"])
    picture = _picture()
    with metrics.queued(model.name, 1):
        return model.decode(_timed(lambda: reader.decode(picture)), deadline_s=deadline_s)


def _timed(read: Callable[[], Question]) -> Callable[[], tuple[Question, float]]:
    """Let *read* tell how many milliseconds it took."""

    def timed() -> tuple[Question, float]:
        started = perf_counter()
        question = read()
        return question, round((perf_counter() - started) * 1000, 3)

    return timed


def _read(signature: Signature) -> Question:
    """The rows or tensors, by whichever door they came."""
    if isinstance(signature.reader, Features):
        if request.method != "POST" or not request.has_body:
            return signature.from_query(request.args.items(multi=True))
        if request.mimetype in FORMS and not request.get_data().startswith((b"{", b"[")):
            return signature.from_query(request.form.items(multi=True))
    elif request.method != "POST":
        raise MethodNotAllowed(["POST"])
    if not request.is_json:
        raise request.unsupported(f"application/json, such as {signature.short_example}")
    return signature.from_json(request.json_object(signature.short_example))


def _picture() -> bytes:
    """The encoded picture, by whichever door it came."""
    if request.mimetype.startswith("image/"):
        return request.get_data()
    if request.is_json:
        sent = PICTURE.load(request.json_object('{"image": "<base64>"}'))
        (picture,) = sent.values()  # the schema lets only one pass
        return cast("bytes", picture)
    if request.mimetype == "multipart/form-data":
        return _uploaded()
    raise request.unsupported(PICTURE_DOORS)


def _uploaded() -> bytes:
    file = request.files.get("image")
    if file is None:
        sent = sorted({*request.files, *request.form})
        fault = f"no such file in the form, which has {sent[:5]}; send the picture as a file"
        raise ValidationError({"image": [fault]})
    return file.stream.read()
