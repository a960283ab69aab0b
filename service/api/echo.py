"""/ : answers what it is sent. The contract of the tutorial "Models as web endpoints"."""

import json
import re
from typing import Any

import orjson
from flask import Blueprint
from marshmallow import EXCLUDE, Schema, fields
from werkzeug.exceptions import BadRequest

from service.answer import Answer
from service.request import request

blueprint = Blueprint("echo", __name__)

# orjson reads integers beyond 64 bits as floats; an echo must not alter what it is sent.
LONG_INTEGER = re.compile(rb"\d{19}")
INTEGERS = range(-(1 << 63), 1 << 64)


class EchoSchema(Schema):
    """`msg` may be any JSON value; other names are ignored, as the tutorial does."""

    class Meta:
        """Marshmallow's options."""

        unknown = EXCLUDE

    msg = fields.Raw(allow_none=True)


ECHO = EchoSchema()


@blueprint.route("/", methods=["GET", "POST"])
def echo() -> Answer:
    """Answer `msg`, or `{"success": false}` where there is none."""
    sent = ECHO.load(_parameters())
    answer = {"response": sent["msg"], "success": True} if "msg" in sent else {"success": False}
    try:
        return Answer(answer)
    except orjson.JSONEncodeError:  # orjson reads 1024 levels and writes 254
        raise BadRequest("msg nests deeper than can be answered; send a flatter one") from None


def _parameters() -> dict[str, Any]:
    """The body's members if there is a body, else the query's: a body wins, as in the tutorial."""
    body = request.get_data() if request.has_body else b""
    if not body:
        return request.args.to_dict()
    if request.is_json:
        return _exact(request.json_object(), body)
    if request.mimetype in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        return request.form.to_dict()
    raise request.unsupported("application/json, or a form with a field msg")


def _exact(sent: dict[str, Any], body: bytes) -> dict[str, Any]:
    if not isinstance(sent.get("msg"), str) and LONG_INTEGER.search(body):
        json.loads(body, parse_int=_refuse_inexact)
    return sent


def _refuse_inexact(digits: str) -> None:
    if len(digits) > 20 or int(digits) not in INTEGERS:
        raise BadRequest(
            f"the integer {digits[:40]} does not fit 64 bits and could not be echoed exactly; "
            "send it as a string"
        )
