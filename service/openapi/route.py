"""GET /openapi.json: the description of what is served now, made once for each change of it."""

from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Any

from flask import Blueprint

from service.answer import Answer
from service.application import Application, current_app
from service.errors import ServiceError
from service.inference.model import Model
from service.openapi.document import document
from service.request import request

blueprint = Blueprint("openapi", __name__)

EXTENSION = "openapi"


@dataclass(slots=True)
class Edition:
    """The document of the models as *known*, and its *tag*."""

    known: tuple[Any, ...] = ()
    body: bytes = b""
    tag: str = ""


def init_app(app: Application) -> None:
    """Serve /openapi.json; called by the application factory."""
    app.extensions[EXTENSION] = Edition()
    app.register_blueprint(blueprint)


@blueprint.get("/openapi.json")
def openapi() -> Answer:
    """Describe the service and its models, as they are; nothing where the client knows that."""
    edition = _edition()
    is_known = request.if_none_match.contains_weak(edition.tag)
    answer = Answer(b"" if is_known else edition.body, 304 if is_known else 200)
    if is_known:
        answer.headers.clear()  # there is no content to be described
    answer.headers |= {"Cache-Control": "no-cache", "ETag": f'"{edition.tag}"'}
    return answer


def _edition() -> Edition:
    models = list(current_app.catalog)
    known = tuple((model, model.state, _signature(model)) for model in models)
    kept: Edition = current_app.extensions[EXTENSION]
    if kept.body and _is_same(kept.known, known):
        return kept
    body = current_app.run_aside(partial(document, models, current_app.settings))
    made = Edition(known, body, blake2b(body, digest_size=16).hexdigest())
    current_app.extensions[EXTENSION] = made
    return made


def _is_same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether the models, their states and signatures are each the very same."""
    return len(one) == len(other) and all(
        all(a is b for a, b in zip(*pair, strict=True)) for pair in zip(one, other, strict=True)
    )


def _signature(model: Model) -> object:
    try:
        return model.signature
    except ServiceError:
        return None
