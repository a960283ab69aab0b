"""/models/<name>/predict: what the model takes in, by any of its doors; its answer out."""

from time import perf_counter
from typing import Any

from flask import Blueprint

from service import errors, exchange, metrics
from service.answer import Answer
from service.api import budget, doors
from service.api.doors import Sent
from service.api.models import catalog
from service.inference.model import Model
from service.inference.question import Question
from service.inference.signature import Signature

blueprint = Blueprint("predict", __name__)


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
    question, decode_ms = _question(model, doors.sent_to(signature), deadline_s)
    record["rows"] = question.rows
    with metrics.queued(model.name, question.rows):
        answered = model.ask(question.inputs, deadline_s=deadline_s, gone=budget.client_gone())
    record |= {
        "batch_rows": answered.batch_rows,
        "wait_ms": round(answered.wait_ms, 3),
        "decode_ms": round(decode_ms, 3),
        "infer_ms": round(answered.infer_ms, 3),
    }
    answers = signature.answers(answered.outputs)
    return answers[0] if question.single else answers


def _question(model: Model, sent: Sent, deadline_s: float) -> tuple[Question, float]:
    """The arrays to ask about, and the milliseconds that it took to make them."""

    def read() -> tuple[Question, float]:
        started = perf_counter()
        question = sent.read()
        return question, (perf_counter() - started) * 1000

    if not sent.is_heavy:
        return read()
    with metrics.queued(model.name, rows=1):
        return model.decode(read, deadline_s=deadline_s)
