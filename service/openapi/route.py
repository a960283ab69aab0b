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
from service.compression import CODING, SMALLEST, pack
from service.errors import ServiceError
from service.inference.model import Model
from service.openapi.document import document
from service.request import request
from service.security_headers import KEPT_DATA

blueprint = Blueprint("openapi", __name__)

EXTENSION = "openapi"


@dataclass(slots=True)
class Edition:
    """
    The document of the models as *known*, which it does not keep alive, and its *tag*.

    It is there as it is and compressed.
    """

    known: tuple[Any, ...] | None = None
    body: bytes = b""
    packed: bytes = b""
    tag: str = ""


def init_app(app: Application) -> None:
    """Serve /openapi.json; called by the application factory."""
    app.extensions[EXTENSION] = Edition()
    app.register_blueprint(blueprint)


@blueprint.get("/openapi.json")
def openapi() -> Answer:
    """Describe the service and its models, as they are; nothing where the client knows that."""
    edition = _edition()
    request.exchange.protection = KEPT_DATA
    packs = current_app.packs_for(request)
    tag = f"{edition.tag}-{CODING}" if packs else edition.tag
    if request.if_none_match.contains_weak(tag):
        answer = Answer(b"", 304)
        answer.headers.clear()  # there is no content to be described
    else:
        answer = Answer(edition.body)
        if packs:
            answer.replace_by(edition.packed, CODING)
    answer.headers |= {"Cache-Control": "no-cache", "ETag": f'"{tag}"'}
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
        tag = blake2b(body, digest_size=16).hexdigest()
        kept[EXTENSION] = edition = Edition(known, body, pack(body, SMALLEST), tag)
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
