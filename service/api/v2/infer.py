"""/v2/models/<name>/infer: tensors in, tensors out, as JSON or as bytes after it."""

import zlib
from collections.abc import Mapping
from functools import partial
from time import monotonic
from typing import Any

from flask import Blueprint

from service.answer import Answer
from service.api import deadline
from service.api.prediction import Asking
from service.api.v2.asked import Asked
from service.application import current_app
from service.inference.payload import Payload
from service.inference.protocol.framing import FIELD
from service.inference.protocol.response import OutputTensor, travelling, write
from service.inference.signature.classes import best_classes
from service.inference.signature.signature import Signature
from service.inference.tensors import Tensors
from service.request import request

blueprint = Blueprint("v2_infer", __name__)

# As PEP 3333 has it.
VARIABLE = "HTTP_INFERENCE_HEADER_CONTENT_LENGTH"

OCTETS = "application/octet-stream"

# An answer of more numbers is written beside the hub: 50,000 take about 3 ms.
LARGE_NUMBERS = 50_000

# A number on its way into an answer, as text.
NUMBER_BYTES = 24

# What an answer may be compressed with, as zlib knows it (RFC 1952, RFC 1950).
WINDOWS = {"gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}
QUICKLY = 1


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
    outputs = _outputs(asked, model.signature, predicted.outputs)
    say = partial(_written, head, outputs, _coding())
    numbers = sum(output.array.size for output in outputs if not output.is_binary)
    if numbers <= LARGE_NUMBERS and not _coding():
        body, json_bytes, coding = say()
    else:
        payload.hold(numbers * NUMBER_BYTES, deadline_s)
        body, json_bytes, coding = current_app.run_aside(say)
    if coding:
        fields["Content-Encoding"] = coding
    if json_bytes is not None:
        fields |= {FIELD: str(json_bytes), "Content-Type": OCTETS}
    return body


def _shorten(payload: Payload, began_s: float, timeout_s: float) -> None:
    payload.deadline_s = began_s + timeout_s


def _outputs(asked: Asked, signature: Signature, outputs: Tensors) -> list[OutputTensor]:
    """What is asked for, in the order in which it was; all that is answered where nothing was."""
    answered = signature.naming.answered(outputs)
    is_binary = asked.request.binary_output
    if not asked.request.outputs:
        return [
            OutputTensor(name, travelling(array), is_binary) for name, array in answered.items()
        ]
    chosen = []
    for entry in asked.request.outputs:
        array = answered[entry.name]
        if entry.classes and array.dtype.kind not in "biuf":
            raise entry.fault("parameters", "classification", "it for an output of numbers")
        array = (
            best_classes(signature.naming, entry.name, array, entry.classes)
            if entry.classes
            else travelling(array)
        )
        own = is_binary if entry.is_binary is None else entry.is_binary
        chosen.append(OutputTensor(entry.name, array, own))
    return chosen


def _written(
    head: Mapping[str, Any], outputs: list[OutputTensor], coding: str
) -> tuple[bytes, int | None, str]:
    body, json_bytes = write(head, outputs)
    if coding:
        compressor = zlib.compressobj(QUICKLY, wbits=WINDOWS[coding])
        body = compressor.compress(body) + compressor.flush()
    return body, json_bytes, coding


def _coding() -> str:
    """
    The coding that the client asks for: the one that it names, if it names one alone.

    What lists several is a library's default and no wish: nearly all do, and most answers are
    shorter than what compressing them takes.
    """
    named = str(request.environ.get("HTTP_ACCEPT_ENCODING", "")).strip().lower()
    return named if named in WINDOWS else ""
