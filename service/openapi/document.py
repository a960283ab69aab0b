"""The whole document (OpenAPI 3.1), of the service and the models as they are at a moment."""

from collections.abc import Collection, Iterable

import orjson
from apispec import APISpec

from config.settings import Settings
from service import __version__
from service.api.deadline import FIELD as DEADLINE
from service.api.payload import PictureSchema
from service.inference.model import Model
from service.inference.protocol.framing import FIELD as JSON_LENGTH
from service.inference.signature.json_schema import JsonSchema
from service.openapi import fixed, guarded, inferring, predicting, refusals, schemas
from service.openapi.names import shown
from service.openapi.served import Served, served
from service.openapi.shapes import COUNT
from service.raised import log_raised

OPENAPI = "3.1.0"
INFO = {
    "description": (
        "Trained models as web endpoints. Each model has paths of its own, by `/models` with the "
        "features, pictures or tensors that it takes, and by `/v2`, the Open Inference Protocol. "
        "What is wrong with a request is told as a problem (RFC 9457), with a request that works. "
        "This document is made from what checks the requests, and changes when the models do."
    ),
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}
PARAMETERS: dict[str, JsonSchema] = {
    DEADLINE: {
        "name": DEADLINE,
        "in": "header",
        "description": "How many milliseconds the answer may take; then it is 504.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 999_999_999},
    },
    JSON_LENGTH: {
        "name": JSON_LENGTH,
        "in": "header",
        "description": "How long the JSON is, where the tensors' bytes follow it.",
        "schema": COUNT,
    },
}


def document(models: Iterable[Model], settings: Settings) -> bytes:
    """Write what is served here, as JSON."""
    found = served(models, fixed.TAGS)
    without = () if settings.takes_changes else (fixed.REPOSITORY,)
    marshmallow = schemas.plugin()
    spec = APISpec(
        "Weir", __version__, OPENAPI, [marshmallow], info=INFO, tags=_tags(found, without)
    )
    describe = schemas.add(spec, marshmallow)
    _add_shared(spec)
    described = {predicting.PICTURE: predicting.picture_schema(describe(PictureSchema))}
    envelope = describe(inferring.ENVELOPE)
    for name, schema in described.items():
        spec.components.schema(name, schema)
    for each in found:
        try:
            _add_model(spec, each, envelope)
        except Exception as error:  # noqa: BLE001  # one that cannot be described hides no other
            log_raised("model_undescribed", error, model=each.model.name)
    for path, operations in fixed.paths(has_repository=settings.takes_changes).items():
        spec.path(path, operations=operations)
    written: JsonSchema = spec.to_dict()
    guarded.guard(written, settings)
    return orjson.dumps(written)


def _add_model(spec: APISpec, served: Served, envelope: JsonSchema) -> None:
    components = predicting.components(served) | inferring.components(served, envelope)
    paths = predicting.paths(served) | inferring.paths(served)
    orjson.dumps((components, paths))  # before any of it is there: not all that is said is UTF-8
    for name, schema in components.items():
        spec.components.schema(name, schema)
    for path, operations in paths.items():
        spec.path(path, operations=operations)


def _tags(found: Iterable[Served], without: Collection[str]) -> list[dict[str, str]]:
    described: dict[str, str] = {}
    for each in found:
        described.setdefault(each.tag, shown(each.model.manifest.description))
    described |= {name: told for name, told in fixed.TAGS.items() if name not in without}
    return [{"name": name, "description": told} for name, told in described.items()]


def _add_shared(spec: APISpec) -> None:
    for name, schema in refusals.SCHEMAS.items():
        spec.components.schema(name, schema)
    for name, header in refusals.HEADERS.items():
        spec.components.header(name, header)
    for name, response in refusals.responses().items():
        spec.components.response(name, response)
    for name, parameter in PARAMETERS.items():
        spec.components.parameter(name, "header", parameter)
