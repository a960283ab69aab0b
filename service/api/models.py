"""/models and what stands below it: what is served, a model's card, its example."""

import shlex
from mimetypes import guess_type
from typing import Any
from urllib.parse import urlencode

import orjson
from flask import Blueprint, Response
from marshmallow import Schema, fields

from service.answer import Answer
from service.application import current_app
from service.inference.model import Model
from service.inference.signature.feature import Feature
from service.inference.tensors import TensorSpec
from service.request import request

blueprint = Blueprint("models", __name__)

# A longer example is piped from its own address rather than pasted.
PASTED_BYTES = 400

EMPTY: tuple[Any, ...] = ("", ())


class EntrySchema(Schema):
    """A model in the list."""

    name = fields.String()
    version = fields.String()
    state = fields.String()
    reason = fields.String()
    description = fields.String()
    url = fields.String()


class TensorSchema(Schema):
    """An input or output as the artefact declares it; -1 is a dimension of any size."""

    name = fields.String()
    datatype = fields.String()
    shape = fields.List(fields.Integer())
    labels = fields.List(fields.String())


class FeatureSchema(Schema):
    """A feature, as requests name it."""

    name = fields.String()
    kind = fields.String()
    minimum = fields.Float()
    maximum = fields.Float()
    categories = fields.List(fields.Raw())
    optional = fields.Boolean()
    description = fields.String()


class LimitsSchema(Schema):
    """What a request to the model may hold."""

    body_bytes = fields.Integer()
    image_pixels = fields.Integer()
    queue_rows = fields.Integer()


class CardSchema(EntrySchema):
    """A model's card."""

    platform = fields.String()
    license = fields.String()
    source = fields.String()
    versions = fields.List(fields.String())
    kind = fields.String()
    features = fields.List(fields.Nested(FeatureSchema))
    inputs = fields.List(fields.Nested(TensorSchema))
    outputs = fields.List(fields.Nested(TensorSchema))
    limits = fields.Nested(LimitsSchema)
    predict = fields.String()
    example = fields.Raw()
    example_url = fields.String()
    curl = fields.String()
    curl_get = fields.String()


ENTRIES = EntrySchema(many=True)
CARD = CardSchema()


@blueprint.get("/models")
def listing() -> Answer:
    """List the models in the repository, whatever their state."""
    entries = ENTRIES.dump([_entry(model) for model in current_app.catalog])
    return Answer({"success": True, "models": entries})


@blueprint.get("/models/<name>")
@blueprint.get("/models/<name>/versions/<version>")
def card(name: str, version: str | None = None) -> Answer:
    """Show what the model takes and gives, and commands to try it with."""
    model = current_app.catalog.find(name, version)
    manifest, signature = model.manifest, model.signature
    labels = signature.naming.labels
    facts = {
        "platform": manifest.platform,
        "license": manifest.license,
        "source": manifest.source,
        "versions": [each.version for each in current_app.catalog.versions(name)],
        "kind": signature.kind,
        "inputs": [_tensor(spec, ()) for spec in signature.inputs.values()],
        "outputs": [_tensor(spec, labels[name]) for name, spec in signature.outputs.items()],
        "limits": _limits(model),
    }
    if signature.rows:
        facts["features"] = list(map(_feature, signature.rows.features))
    url = request.host_url.rstrip("/") + request.path.rstrip("/")
    return Answer(
        {"success": True, "model": CARD.dump(_entry(model) | facts | _try_commands(model, url))}
    )


@blueprint.get("/models/<name>/example")
@blueprint.get("/models/<name>/versions/<version>/example")
def example(name: str, version: str | None = None) -> Response:
    """Answer the body of a valid request: what warms the model, and what to try it with."""
    model = current_app.catalog.find(name, version)
    return Response(model.signature.example, content_type=_media_type(model))


def _try_commands(model: Model, url: str) -> dict[str, Any]:
    """What to ask where, as a command that works as it is printed."""
    signature = model.signature
    predict, source = f"{url}/predict", f"{url}/example"
    trial: dict[str, Any] = {"predict": predict, "example_url": source}
    media_type = _media_type(model)
    header = f"-H 'Content-Type: {media_type}'"
    if media_type != "application/json" or len(signature.example) > PASTED_BYTES:
        return trial | {"curl": f"curl -s {source} | curl --data-binary @- {header} {predict}"}
    trial["example"] = orjson.loads(signature.example)
    trial["curl"] = f"curl -d {shlex.quote(signature.example.decode())} {header} {predict}"
    if signature.rows:
        query = urlencode(signature.rows.query(trial["example"]))
        trial["curl_get"] = f"curl {shlex.quote(f'{predict}?{query}')}"
    return trial


def _media_type(model: Model) -> str:
    file = model.manifest.example
    return (guess_type(file.name)[0] if file else None) or "application/json"


def _entry(model: Model) -> dict[str, Any]:
    said: dict[str, Any] = {
        "name": model.name,
        "state": model.state,
        "url": _url(model),
    }
    if model.version:
        said["version"] = model.version
    if model.reason:
        said["reason"] = model.reason
    if model.state == "ready":
        said["description"] = model.manifest.description
    return said


def _url(model: Model) -> str:
    """A version's own address, unless it is the one that the name alone leads to."""
    if current_app.catalog.find(model.name) is model:
        return f"/models/{model.name}"
    return f"/models/{model.name}/versions/{model.version}"


def _feature(feature: Feature) -> dict[str, Any]:
    said = {
        "name": feature.name,
        "kind": feature.kind,
        "minimum": feature.minimum,
        "maximum": feature.maximum,
        "categories": feature.categories,
        "optional": feature.optional or None,
        "description": feature.description,
    }
    return {name: value for name, value in said.items() if value is not None and value not in EMPTY}


def _tensor(spec: TensorSpec, labels: tuple[str, ...]) -> dict[str, Any]:
    said = {"name": spec.name, "datatype": spec.datatype.name, "shape": spec.shape}
    return said | ({"labels": labels} if labels else {})


def _limits(model: Model) -> dict[str, int]:
    settings = current_app.settings
    pictures = {"image_pixels": settings.image_limit_pixels}
    return {
        "body_bytes": settings.body_limit_bytes,
        "queue_rows": model.manifest.serve.queue_rows,
    } | (pictures if model.signature.kind == "image" else {})
