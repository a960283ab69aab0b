"""GET /openapi.json: the description of what is served now, made once for each change of it."""

from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from itertools import chain
from typing import Any
from weakref import ref

from flask import Blueprint

from config.settings import Settings
from service.answer import Answer
from service.application import Application, current_app
from service.errors import ServiceError
from service.inference.model import Model
from service.openapi.document import document
from service.request import request
from service.security_headers import KEPT_DATA

blueprint = Blueprint("openapi", __name__)

EXTENSION = "openapi"


@dataclass(slots=True)
class Edition:
    """The document of the models as *known*, which it does not keep alive, and its *tag*."""

    known: tuple[Any, ...] | None = None
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
    request.exchange.protection = KEPT_DATA
    answer.headers |= {"Cache-Control": "no-cache", "ETag": f'"{edition.tag}"'}
    return answer


def _edition() -> Edition:
    app, models = current_app, list(current_app.catalog)
    known = tuple(
        (ref(model), _signature(model), app.catalog.find(model.name) is model) for model in models
    )
    kept: Edition = app.extensions[EXTENSION]
    if _is_same(kept.known, known):
        return kept
    return app.run_aside(partial(_made, app.extensions, models, app.settings, known))


def _made(
    kept: dict[str, Any], models: list[Model], settings: Settings, known: tuple[Any, ...]
) -> Edition:
    """Make the edition of what is *known*, unless another request has while this one waited."""
    edition: Edition = kept[EXTENSION]
    if not _is_same(edition.known, known):
        body = document(models, settings)
        kept[EXTENSION] = edition = Edition(known, body, blake2b(body, digest_size=16).hexdigest())
    return edition


def _is_same(one: tuple[Any, ...] | None, other: tuple[Any, ...]) -> bool:
    """Whether they are the very same models and signatures, at the same addresses."""
    if one is None or len(one) != len(other):
        return False
    return all(a is b for a, b in zip(chain(*one), chain(*other), strict=True))


def _signature(model: Model) -> object:
    try:
        return ref(model.signature)
    except ServiceError:
        return None
