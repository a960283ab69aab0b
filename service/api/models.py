"""/models and /models/<name>: what is served, and a model's card."""

from typing import Any

from flask import Blueprint, current_app
from marshmallow import Schema, fields

from config.settings import Settings
from service.answer import Answer
from service.inference.catalog import Catalog
from service.inference.model import Model
from service.inference.tensors import TensorSpec
from service.request import request

blueprint = Blueprint("models", __name__)


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
    inputs = fields.List(fields.Nested(TensorSchema))
    outputs = fields.List(fields.Nested(TensorSchema))
    limits = fields.Nested(LimitsSchema)
    predict = fields.String()
    curl = fields.String()


ENTRIES = EntrySchema(many=True)
CARD = CardSchema()


def catalog() -> Catalog:
    """The models of the application at hand."""
    found: Catalog = current_app.extensions["catalog"]
    return found


@blueprint.get("/models")
def listing() -> Answer:
    """List the models in the repository, whatever their state."""
    entries = ENTRIES.dump([_entry(model) for model in catalog()])
    return Answer({"success": True, "models": entries})


@blueprint.get("/models/<name>")
def card(name: str) -> Answer:
    """Show what the model takes and gives, and a command to try it with."""
    model = catalog().find(name)
    specs, told = model.specs, model.manifest
    predict = f"{request.host_url.rstrip('/')}/models/{name}/predict"
    labels = {name: output.labels for name, output in told.outputs.items()}
    facts = {
        "platform": told.platform,
        "license": told.license,
        "source": told.source,
        "inputs": [_tensor(spec, ()) for spec in specs.inputs.values()],
        "outputs": [_tensor(spec, labels.get(name, ())) for name, spec in specs.outputs.items()],
        "limits": _limits(model),
        "predict": predict,
        "curl": f"curl --data-binary @picture.jpg -H 'Content-Type: image/jpeg' {predict}",
    }
    return Answer({"success": True, "model": CARD.dump(_entry(model) | facts)})


def _entry(model: Model) -> dict[str, Any]:
    said: dict[str, Any] = {
        "name": model.name,
        "state": model.state,
        "url": f"/models/{model.name}",
    }
    if model.version:
        said["version"] = model.version
    if model.reason:
        said["reason"] = model.reason
    if model.state == "ready":
        said["description"] = model.manifest.description
    return said


def _tensor(spec: TensorSpec, labels: tuple[str, ...]) -> dict[str, Any]:
    said = {"name": spec.name, "datatype": spec.datatype.name, "shape": spec.shape}
    return said | ({"labels": labels} if labels else {})


def _limits(model: Model) -> dict[str, int]:
    settings: Settings = current_app.extensions["settings"]
    return {
        "body_bytes": settings.body_limit_bytes,
        "image_pixels": settings.image_limit_pixels,
        "queue_rows": model.manifest.serve.queue_rows,
    }
