"""/ : answers what it is sent. The contract of the tutorial "Models as web endpoints"."""

import json
import re
from functools import partial
from typing import Any

import orjson
from flask import Blueprint
from marshmallow import EXCLUDE, fields
from werkzeug.exceptions import BadRequest

from service.answer import Answer
from service.application import current_app
from service.faults import Told
from service.forms import FORM_FORMS, FORMS, read_form
from service.inference.account import Hold
from service.json_text import LARGE_BYTES, PIECE_BYTES, read_object
from service.request import request
from service.request_schema import RequestSchema

blueprint = Blueprint("echo", __name__)

EXAMPLE = '{"msg": "Hello"}'

NOTHING = orjson.dumps({"success": False})

# orjson reads integers beyond 64 bits as floats; an echo must not alter what it is sent.
LONG_INTEGER = re.compile(rb"(?<!\d)\d{19}")
INTEGERS = range(-(1 << 63), 1 << 64)


class EchoSchema(RequestSchema):
    """`msg` may be any JSON value; other names are ignored, as the tutorial does."""

    class Meta:
        """Marshmallow's options."""

        unknown = EXCLUDE

    msg = fields.Raw(allow_none=True)


ECHO = EchoSchema()


@blueprint.route("/", methods=["GET", "POST"])
def echo() -> Answer:
    """Answer `msg`, or `{"success": false}` where there is none."""
    body = request.get_data() if request.has_body else b""
    if not body:
        return Answer(_answer(request.args.to_dict()))
    if request.is_json:
        answer = partial(_answer_json, body, request.hold)
    elif request.mimetype in FORMS:
        answer = partial(_answer_form, body, request.content_type or "", request.hold)
    else:
        raise request.unsupported("application/json, or a form with a field msg")
    return Answer(current_app.run_aside(answer) if len(body) > LARGE_BYTES else answer())


def carries_no_msg() -> bool:
    """Whether the request at hand asks for no echo: a GET without a body or a msg."""
    return request.method != "POST" and not request.has_body and "msg" not in request.args


def echoes_no_msg(answer: Answer) -> bool:
    """Whether this is the *answer* to a request that has none."""
    return answer.body == NOTHING


def _answer_json(body: bytes, hold: Hold) -> bytes:
    sent = read_object(body, EXAMPLE, hold)
    if not isinstance(sent.get("msg"), str) and _has_long_integer(body):
        _check_integers(body)
    return _answer(sent)


def _answer_form(body: bytes, content_type: str, hold: Hold) -> bytes:
    """The first field of a name counts, and files do not."""
    hold.grow(FORM_FORMS * len(body))
    sent: dict[str, str] = {}
    for field in read_form(body, content_type):
        if field.name == "msg" and not field.is_file:
            sent.setdefault("msg", field.text)
    return _answer(sent)


def _answer(parameters: dict[str, Any]) -> bytes:
    sent = ECHO.load(parameters)
    if "msg" not in sent:
        return NOTHING
    try:
        return orjson.dumps({"response": sent["msg"], "success": True})
    except orjson.JSONEncodeError:  # orjson reads 1024 levels and writes 254
        raise _too_deep() from None


def _has_long_integer(body: bytes) -> bool:
    """Whether 19 digits stand together; in pieces, between which other threads have their turn."""
    starts = range(0, len(body), PIECE_BYTES)
    return any(LONG_INTEGER.search(body, at, at + PIECE_BYTES + 19) for at in starts)


def _check_integers(body: bytes) -> None:
    try:
        json.loads(body, parse_int=_refuse_inexact)
    except RecursionError:  # the standard library reads fewer levels than orjson
        raise _too_deep() from None


def _refuse_inexact(digits: str) -> None:
    if len(digits) > 20 or int(digits) not in INTEGERS:
        told = "does not fit 64 bits and could not be echoed exactly; send it as a string"
        raise BadRequest(Told(f"the integer {digits[:40]} {told}", f"an integer {told}"))


def _too_deep() -> BadRequest:
    return BadRequest("msg nests deeper than can be answered; send a flatter one")
