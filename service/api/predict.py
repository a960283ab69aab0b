"""/models/<name>/predict: what the model takes in, in any of its forms; its answer out."""

from collections.abc import Callable
from functools import partial
from time import monotonic, perf_counter
from typing import Any

import orjson
from flask import Blueprint

from service import errors, metrics
from service.answer import Answer
from service.api import deadline
from service.api.payload import Payload, payload_of
from service.application import current_app
from service.errors import NoRoom
from service.inference.account import UNCOUNTED_BYTES, wait_for_room
from service.inference.model import Model
from service.inference.signature.question import Question
from service.inference.signature.signature import Signature
from service.inference.tensors import Tensors
from service.request import request

blueprint = Blueprint("predict", __name__)

# An answer of more numbers is put into words beside the hub: 10,000 take about 5 ms.
LARGE_NUMBERS = 10_000

# A number on its way into an answer: as Python's, in a list or dictionary, and as text.
NUMBER_BYTES = 150

# Work for which there is no room waits so long before it is refused.
ROOM_WAIT_S = 2.0


@blueprint.route("/models/<name>/predict", methods=["GET", "POST"])
@blueprint.route("/models/<name>/versions/<version>/predict", methods=["GET", "POST"])
def predict(name: str, version: str | None = None) -> Answer:
    """Answer the rows, the tensors or the picture that the request carries."""
    model = current_app.catalog.find(name, version)
    manifest = model.manifest
    record = request.exchange.prediction
    record |= {"model": name, "version": manifest.version, "rows": 1, "outcome": "refused"}
    try:
        answer = _answer(model, {"name": name, "version": manifest.version}, record)
    except errors.ServiceError as error:
        record["outcome"] = metrics.outcome_of(error)
        raise
    record["outcome"] = "answered"
    return Answer(answer)


def _answer(model: Model, names: dict[str, str], record: dict[str, Any]) -> bytes:
    """The answer as JSON; what it took goes into *record*."""
    deadline_s = deadline.deadline_s(model)
    question, decode_ms = _question(model, payload_of(model.signature), deadline_s)
    record["rows"] = question.rows
    _hold(question.inputs, deadline_s)
    with metrics.queued(model.name, question.rows):
        answered = model.ask(question.inputs, deadline_s=deadline_s, gone=deadline.client_gone())
    record |= {
        "batch_rows": answered.batch_rows,
        "wait_ms": round(answered.wait_ms, 3),
        "decode_ms": round(decode_ms, 3),
        "infer_ms": round(answered.infer_ms, 3),
    }
    say = partial(_in_words, model.signature, answered.outputs, names, single=question.single)
    numbers = sum(array.size for array in answered.outputs.values())
    if numbers <= LARGE_NUMBERS:
        return say()
    request.hold.grow(numbers * NUMBER_BYTES, _until_s(deadline_s))
    return current_app.run_aside(say)


def _in_words(
    signature: Signature, outputs: Tensors, names: dict[str, str], *, single: bool
) -> bytes:
    answers = signature.answers(outputs)
    response = answers[0] if single else answers
    return orjson.dumps({"success": True, "response": response, "model": names})


def _hold(inputs: Tensors, deadline_s: float) -> None:
    """Count rows that will wait for the model."""
    size_bytes = sum(array.nbytes for array in inputs.values())
    if size_bytes > UNCOUNTED_BYTES:
        request.hold.grow(size_bytes, _until_s(deadline_s))


def _question(model: Model, payload: Payload, deadline_s: float) -> tuple[Question, float]:
    """The arrays to ask about, and the milliseconds that it took to make them."""

    def read() -> tuple[Question, float]:
        started = perf_counter()
        question = payload.read()
        return question, (perf_counter() - started) * 1000

    if not payload.is_heavy:
        return read()
    with metrics.queued(model.name, rows=1):
        return _when_there_is_room(lambda: model.decode(read, deadline_s=deadline_s), deadline_s)


def _when_there_is_room(
    read: Callable[[], tuple[Question, float]], deadline_s: float
) -> tuple[Question, float]:
    """Read, once more if need be, when there is the memory that it lacked: no thread waits."""
    held_bytes = request.hold.held_bytes
    try:
        return read()
    except NoRoom as error:
        request.hold.shrink(held_bytes)
        wait_for_room(request.hold.account, error.needed_bytes, _until_s(deadline_s))
        return read()


def _until_s(deadline_s: float) -> float:
    return min(deadline_s, monotonic() + ROOM_WAIT_S)
