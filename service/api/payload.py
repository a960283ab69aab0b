"""What a request to a model carries, in whichever form it came."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import orjson
import pybase64
from marshmallow import ValidationError, fields, validates_schema
from werkzeug.exceptions import MethodNotAllowed

from service.errors import InvalidInput
from service.faults import FAULTS_TOLD, Fault, pointer, scalar, wanted
from service.forms import FORM_FORMS, FORMS, MULTIPART, Field, read_form
from service.inference.account import Hold
from service.inference.payload import Payload
from service.inference.signature.question import Question
from service.inference.signature.rows import FeatureRows
from service.inference.signature.signature import Signature
from service.inference.signature.tensor_example import PIXEL
from service.json_text import LARGE_BYTES, name_sent_twice, read_object
from service.request import Request, request
from service.request_schema import RequestSchema

PICTURE_FORMS = (
    "the picture itself as image/*, a multipart form with a file field image, "
    'or JSON {"image": "<base64>"}'
)
PICTURE_EXAMPLE = '{"image": "<base64>"}'
PICTURE_WANTED = "one picture in base64"


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


class PictureSchema(RequestSchema):
    """One picture, under its own name or the tutorial's."""

    request_example = orjson.dumps({"image": PIXEL})

    image = Base64Field(metadata={"wanted": PICTURE_WANTED})
    msg = Base64Field(metadata={"wanted": PICTURE_WANTED})

    @validates_schema(skip_on_field_errors=True)
    def _has_one(self, sent: dict[str, Any], **_: Any) -> None:
        if len(sent) != 1:
            raise ValidationError("exactly one is needed: send the picture in base64", "image")


PICTURE = PictureSchema()


def payload_of(signature: Signature) -> Payload:
    """Find what the request at hand carries for the model. Reading it raises what it does."""
    asked, rows = request._get_current_object(), signature.rows  # type: ignore[attr-defined]  # noqa: SLF001  # Werkzeug's own way past its proxy
    if rows and (asked.method != "POST" or _has_nothing(asked)):
        pairs = list(asked.args.items(multi=True))
        read = partial(signature.read_query, rows, pairs)
        return Payload(read, asked.hold, is_heavy=False)
    if rows and _is_form(asked):
        return _payload(asked, partial(_read_form, signature, rows))
    if asked.method != "POST":
        raise MethodNotAllowed(["POST"])  # predict.wrong_method tells what to send
    if signature.kind == "image":
        if not (_is_picture(asked.mimetype) or asked.is_json):
            raise asked.unsupported(PICTURE_FORMS)
        return _payload(asked, partial(_read_picture, signature), is_heavy=True)
    if not asked.is_json:
        raise asked.unsupported(f"application/json, such as {signature.short_example}")
    return _payload(asked, partial(_read_json, signature))


def _has_nothing(asked: Request) -> bool:
    """Whether there is no body; many a client says of none that it has a length of 0."""
    return not asked.has_body or not (asked.content_type or asked.body)


def _payload(
    asked: Request, read: Callable[["Body"], Question], *, is_heavy: bool = False
) -> Payload:
    body = Body(
        asked.body, asked.mimetype, asked.content_type or "", asked.hold, is_json=asked.is_json
    )
    is_heavy = is_heavy or len(body.content) > LARGE_BYTES
    return Payload(partial(read, body), body.hold, is_heavy=is_heavy)


@dataclass(slots=True)
class Body:
    """A body without its request, which other threads cannot see."""

    content: bytes
    media_type: str
    content_type: str
    hold: Hold
    is_json: bool


def _is_picture(media_type: str) -> bool:
    return media_type.startswith("image/") or media_type == MULTIPART


def _is_form(asked: Request) -> bool:
    # Many a client says that its JSON is a form, when it is not told what to say.
    return asked.mimetype in FORMS and not asked.body.startswith((b"{", b"["))


def _read_form(signature: Signature, rows: FeatureRows, body: Body) -> Question:
    body.hold.grow(FORM_FORMS * len(body.content))
    form = read_form(body.content, body.content_type)
    files = [wanted(pointer(field.name), "a file", "a value") for field in form if field.is_file]
    if files:
        raise InvalidInput(files[:FAULTS_TOLD], signature.example)
    return signature.read_query(rows, [(field.name, field.text) for field in form])


def _read_json(signature: Signature, body: Body) -> Question:
    return signature.read(_object(body, signature.short_example))


def _object(body: Body, example: str) -> dict[str, Any]:
    """The body's JSON object, in which each name stands once."""
    sent = read_object(body.content, example, body.hold)
    twice = name_sent_twice(body.content, sent)
    if twice:
        where = pointer(twice) if twice in sent else ""
        named = f"the name {scalar(twice)} twice"
        raise InvalidInput([wanted(where, named, "each name once in an object")])
    return sent


def _read_picture(signature: Signature, body: Body) -> Question:
    return signature.read(_picture(body), body.hold.account.reserve)


def _picture(body: Body) -> bytes:
    """The encoded picture, in whichever form it came."""
    if body.media_type.startswith("image/"):
        return body.content
    if body.is_json:
        sent = PICTURE.load(_object(body, PICTURE_EXAMPLE))
        (picture,) = sent.values()  # the schema lets only one pass
        return cast("bytes", picture)
    return _uploaded(body)


def _uploaded(body: Body) -> bytes:
    body.hold.grow(len(body.content))
    form = read_form(body.content, body.content_type)
    files = [field for field in form if field.is_file and field.name == "image"]
    if len(files) == 1:
        return files[0].content
    raise InvalidInput([_misplaced(form, len(files))])


def _misplaced(form: Sequence[Field], files: int) -> Fault:
    """What is wrong with a form that has not one file `image`."""
    where, want = pointer("image"), "one file with the picture"
    others = [scalar(field.name) for field in form if field.is_file and field.name != "image"]
    if files:
        return wanted(where, f"{files} files", want)
    if others:
        told = f"the file is in the field {others[0]}; send it in the field image"
        return Fault(where, f"a file {others[0]}", want, told)
    if any(field.name == "image" for field in form):
        told = "the field image is no file; send it with a file name, as curl -F image=@… does"
        return Fault(where, "a field that is no file", want, told)
    names = ", ".join(sorted({scalar(field.name) for field in form})[:5]) or "no field"
    told = f"no file in the form, which has {names}; send the picture as a file"
    return Fault(where, "nothing", want, told)
