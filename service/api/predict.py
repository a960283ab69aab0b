"""/models/<name>/predict: what the model takes in, in any of its forms; its answer out."""

from functools import partial
from typing import Any

import orjson
from flask import Blueprint
from werkzeug.exceptions import MethodNotAllowed

from service import errors, metrics, problems
from service.answer import Answer
from service.api import deadline
from service.api.payload import PICTURE_FORMS, payload_of
from service.application import current_app
from service.inference.model import Model
from service.inference.payload import Payload
from service.inference.signature.signature import Signature
from service.inference.tensors import Tensors
from service.request import request
from service.stages import Stages, milliseconds
from service.wire.phases import HandlingTimeout

blueprint = Blueprint("predict", __name__)

# An answer of more numbers is put into words beside the hub: 10,000 take about 5 ms.
LARGE_NUMBERS = 10_000

# An answer that waits longer for the event loop than this says so.
BUSY_S = 0.001

# A number on its way into an answer: as Python's, in a list or dictionary, and as text.
NUMBER_BYTES = 150


@blueprint.route("/models/<name>/predict", methods=["GET", "POST"])
@blueprint.route("/models/<name>/versions/<version>/predict", methods=["GET", "POST"])
def predict(name: str, version: str | None = None) -> Answer:
    """Answer the rows, the tensors or the picture that the request carries."""
    model = current_app.catalog.find(name, version)
    manifest = model.manifest
    record = {"model": name, "version": manifest.version, "rows": 1, "outcome": "refused"}
    request.exchange.prediction = record
    try:
        answer = _answer(model, {"name": name, "version": manifest.version}, record)
    except (Exception, HandlingTimeout) as error:
        record["outcome"] = metrics.outcome_of(error)
        raise
    record["outcome"] = "answered"
    return Answer(answer)


@blueprint.app_errorhandler(MethodNotAllowed)
def wrong_method(error: MethodNotAllowed) -> Answer:
    """Name the methods that this model takes: with features in the query, or POST alone."""
    endpoint, names = current_app.taking("POST", request.environ)
    if endpoint != "predict.predict":
        return problems.http_problem(error)
    try:
        signature = current_app.catalog.find(**names).signature
    except errors.UnknownModel as unknown:  # what is raised here has no other handler
        return problems.service_problem(unknown)
    except errors.ServiceError:
        return problems.http_problem(error)
    methods, instead = ["POST"], f"POST with JSON, such as {signature.short_example}"
    if signature.rows:
        methods = ["GET", "HEAD", "POST"]
        instead = f"GET with the features in the query, or POST, such as {signature.short_example}"
    elif signature.kind == "image":
        instead = f"POST with {PICTURE_FORMS}"
    told = f"{request.path} does not take {request.method}; send {instead}"
    return problems.http_problem(MethodNotAllowed(methods, told))


def _answer(model: Model, names: dict[str, str], record: dict[str, Any]) -> bytes:
    """The answer as JSON; what it took goes into *record*."""
    deadline_s = deadline.deadline_s(model)
    payload = payload_of(model.signature)
    exchange = request.exchange
    exchange.trip = payload.trip
    payload.trip.origin = exchange.ids  # the exchange itself would be a circle
    exchange.stages.enter("queue")
    try:
        predicted = model.answer(payload, deadline_s=deadline_s, gone=deadline.client_gone())
    finally:
        exchange.stages.enter("encode")
        _note(payload, exchange.stages, record)
    say = partial(_in_words, model.signature, predicted.outputs, names, single=payload.single)
    numbers = sum(array.size for array in predicted.outputs.values())
    if numbers <= LARGE_NUMBERS:
        return say()
    payload.hold(numbers * NUMBER_BYTES, deadline_s)
    return current_app.run_aside(say)


def _note(payload: Payload, stages: Stages, record: dict[str, Any]) -> None:
    """Tell what became of the time that the model had, which has been counted as the queue's."""
    trip, batch = payload.trip, payload.trip.batch
    stages.reckon("decode", trip.decode_s, "queue")
    record["rows"] = payload.rows
    if batch:
        stages.reckon("infer", trip.infer_s(), "queue")
        stages.reckon("batch", trip.batch_s(), "queue")
        record |= {"batch_rows": batch.rows, "batch_requests": batch.requests}
    if (hub_s := trip.hub_s()) > BUSY_S:
        record["hub_ms"] = milliseconds(hub_s)
    if trip.restart_s:
        record["restart_ms"] = milliseconds(trip.restart_s)


def _in_words(
    signature: Signature, outputs: Tensors, names: dict[str, str], *, single: bool
) -> bytes:
    answers = signature.answers(outputs)
    response = answers[0] if single else answers
    return orjson.dumps({"success": True, "response": response, "model": names})
