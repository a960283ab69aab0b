"""/models/<name>/predict: what the model takes in, in any of its forms; its answer out."""

from functools import partial

import orjson
from flask import Blueprint
from werkzeug.exceptions import MethodNotAllowed

from service import errors, problems
from service.answer import Answer
from service.api import deadline
from service.api.payload import PICTURE_FORMS, payload_of
from service.api.prediction import Asking
from service.application import current_app
from service.inference.signature.signature import Signature
from service.inference.tensors import Tensors
from service.request import request

blueprint = Blueprint("predict", __name__)

# An answer of more numbers is put into words beside the hub: 10,000 take about 5 ms.
LARGE_NUMBERS = 10_000

# A number on its way into an answer: as Python's, in a list or dictionary, and as text.
NUMBER_BYTES = 150


@blueprint.route("/models/<name>/predict", methods=["GET", "POST"])
@blueprint.route("/models/<name>/versions/<version>/predict", methods=["GET", "POST"])
def predict(name: str, version: str | None = None) -> Answer:
    """Answer the rows, the tensors or the picture that the request carries."""
    model = current_app.catalog.find(name, version)
    asking = Asking(model)
    return Answer(asking.answer(partial(_answer, asking)), is_compressible=True)


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


def _answer(asking: Asking) -> bytes:
    """The answer as JSON."""
    model = asking.model
    deadline_s = deadline.deadline_s(model)
    payload = payload_of(model.signature)
    predicted = asking.predict(payload, deadline_s)
    names = {"name": model.name, "version": model.manifest.version}
    say = partial(_in_words, model.signature, predicted.outputs, names, single=payload.single)
    numbers = sum(array.size for array in predicted.outputs.values())
    if numbers <= LARGE_NUMBERS:
        return say()
    payload.hold(numbers * NUMBER_BYTES, deadline_s)
    return current_app.run_aside(say)


def _in_words(
    signature: Signature, outputs: Tensors, names: dict[str, str], *, single: bool
) -> bytes:
    answers = signature.answers(outputs)
    response = answers[0] if single else answers
    return orjson.dumps({"success": True, "response": response, "model": names})
