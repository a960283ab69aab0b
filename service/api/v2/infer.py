"""/v2/models/<name>/infer: tensors in, tensors out, as JSON or as bytes after it."""

from functools import partial
from time import monotonic

from flask import Blueprint

from service.answer import Answer
from service.api import deadline
from service.api.prediction import Asking
from service.api.v2.answering import Answering
from service.api.v2.asked import Asked
from service.application import current_app
from service.compression import WINDOWS
from service.inference.payload import Payload
from service.inference.protocol.framing import FIELD
from service.request import request

blueprint = Blueprint("v2_infer", __name__)

# As PEP 3333 has it.
VARIABLE = "HTTP_INFERENCE_HEADER_CONTENT_LENGTH"

OCTETS = "application/octet-stream"


@blueprint.post("/v2/models/<name>/infer")
@blueprint.post("/v2/models/<name>/versions/<version>/infer")
def infer(name: str, version: str | None = None) -> Answer:
    """Answer the outputs that are asked for, all of them where none is named."""
    asking = Asking(current_app.catalog.find(name, version))
    fields: dict[str, str] = {}
    body = asking.answer(partial(_answer, asking, fields))
    answer = Answer(body, content_type=fields.pop("Content-Type", "application/json"))
    answer.headers |= fields
    return answer


def _answer(asking: Asking, fields: dict[str, str]) -> bytes:
    """The answer's body; of its head the *fields* that are its own."""
    model = asking.model
    deadline_s = deadline.deadline_s(model)
    asked = Asked(model, request.body, request.environ.get(VARIABLE), request.hold)
    payload = Payload(asked.read, request.hold, is_heavy=asked.is_heavy)
    asked.tell_timeout = partial(_shorten, payload, monotonic())
    predicted = asking.predict(payload, deadline_s)
    head = {
        "model_name": model.name,
        "model_version": model.manifest.version,
        "id": asked.request.id or request.exchange.request_id,
    }
    answering = Answering(asked.request, model.signature, predicted.outputs)
    coding = _coding()
    if answering.is_large or coding:
        payload.hold(answering.size_bytes, deadline_s)
        written = current_app.run_aside(partial(answering.write, head, coding))
    else:
        written = answering.write(head, coding)
    if coding:
        fields["Content-Encoding"] = coding
    if written.json_bytes is not None:
        fields |= {FIELD: str(written.json_bytes), "Content-Type": OCTETS}
    return written.body


def _shorten(payload: Payload, began_s: float, timeout_s: float) -> None:
    payload.deadline_s = began_s + timeout_s


def _coding() -> str:
    """
    The coding that the client asks for: the one that it names, if it names one alone.

    What lists several is a library's default and no wish: nearly all do, and of numbers in JSON a
    half is left, which pays a client only below some 500 Mbit/s; this protocol's are mostly near.
    """
    if not current_app.settings.compression:
        return ""
    request.exchange.varies_by += ("Accept-Encoding",)
    named = str(request.environ.get("HTTP_ACCEPT_ENCODING", "")).strip().lower()
    return named if named in WINDOWS else ""
