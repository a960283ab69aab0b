"""What a request to a model carries, by whichever of the model's doors it came."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import pybase64
from marshmallow import Schema, ValidationError, fields, validates_schema
from werkzeug.exceptions import MethodNotAllowed

from service.inference.features import Features
from service.inference.question import Question
from service.inference.signature import Pictures, Signature
from service.request import json_object, request

# A larger body is read in native threads: 64 KB of numbers take about 2 ms.
LARGE_BYTES = 64 << 10

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


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent, once it is `read`; a heavy one is not for the thread that serves everyone."""

    read: Callable[[], Question]
    is_heavy: bool


def sent_to(signature: Signature) -> Sent:
    """Find what the request at hand carries for the model. Reading raises what it does."""
    if isinstance(signature.reader, Features):
        form = _form()
        if form is not None:
            return Sent(lambda: signature.from_query(form), is_heavy=False)
    if request.method != "POST":
        raise MethodNotAllowed(["POST"])
    if isinstance(signature.reader, Pictures):
        decode, picture = signature.reader.decode, _picture()
        return Sent(lambda: decode(picture), is_heavy=True)
    example = signature.short_example
    if not request.is_json:
        raise request.unsupported(f"application/json, such as {example}")
    body = request.get_data()
    return Sent(
        lambda: signature.from_json(json_object(body, example)), is_heavy=len(body) > LARGE_BYTES
    )


def _form() -> list[tuple[str, str]] | None:
    """The names and values of a query or a form, if they came by one."""
    if request.method != "POST" or not request.has_body:
        return list(request.args.items(multi=True))
    # Many a client says that its JSON is a form, when it is not told what to say.
    if request.mimetype in FORMS and not request.get_data().startswith((b"{", b"[")):
        return list(request.form.items(multi=True))
    return None


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
