"""/models and what stands below it: what is served, a model's card, its example."""

import shlex
from collections.abc import Mapping
from mimetypes import guess_type
from typing import Any, get_args
from urllib.parse import urlencode

import orjson
from flask import Blueprint
from marshmallow import Schema, fields, missing, post_dump

from service.answer import Answer
from service.application import current_app
from service.inference.manifest.manifest import ModelKind
from service.inference.model import Model, State
from service.inference.signature.feature import FeatureKind
from service.inference.tensors import TensorSpec
from service.request import request

blueprint = Blueprint("models", __name__)

# The kinds of pictures that are read; SVG, which may hold scripts, is none.
PICTURE_TYPES = frozenset(
    f"image/{kind}" for kind in ("jpeg", "png", "webp", "gif", "bmp", "avif", "heic")
)
OPAQUE = "application/octet-stream"

# What a document says of a field that a function fills.
TEXT, COUNT = {"type": "string"}, {"type": "integer"}

# A longer example is piped from its own address rather than pasted.
PASTED_BYTES = 400


def _is_said(value: Any) -> bool:
    """Whether there is something to say: 0 is, of a minimum."""
    return value not in ("", [], None) and value is not False


def _or_missing(value: Any) -> Any:
    return value or missing


def _url(model: Model) -> str:
    """A version's own address, unless it is the one that the name alone leads to."""
    if current_app.catalog.find(model.name) is model:
        return f"/models/{model.name}"
    return f"/models/{model.name}/versions/{model.version}"


class EntrySchema(Schema):
    """A model in the list."""

    name = fields.String(required=True)
    version = fields.Function(lambda model: _or_missing(model.version), metadata=TEXT)
    state = fields.String(required=True, metadata={"enum": get_args(State)})
    reason = fields.Function(lambda model: _or_missing(model.reason), metadata=TEXT)
    description = fields.Function(
        lambda model: model.manifest.description if model.state == "ready" else missing,
        metadata=TEXT,
    )
    url = fields.Function(_url, required=True, metadata=TEXT)


class TensorSchema(Schema):
    """An input or output as the artefact declares it; -1 is a dimension of any size."""

    name = fields.String(required=True)
    datatype = fields.String(required=True, attribute="datatype.name")
    shape = fields.List(fields.Integer(), required=True)
    labels = fields.Method("_labels_of", metadata={"type": "array", "items": TEXT})

    def __init__(self, labels: Mapping[str, tuple[str, ...]]) -> None:
        """*labels* are those of the tensors' columns, by name."""
        super().__init__(many=True)
        self._labels = labels

    def _labels_of(self, spec: TensorSpec) -> Any:
        return _or_missing(self._labels.get(spec.name))


class FeatureSchema(Schema):
    """A feature, as requests name it."""

    name = fields.String(required=True)
    kind = fields.String(required=True, metadata={"enum": get_args(FeatureKind)})
    minimum = fields.Float()
    maximum = fields.Float()
    categories = fields.List(fields.Raw())
    optional = fields.Boolean()
    wanted = fields.String(required=True)
    description = fields.String()

    @post_dump
    def _without_empty(self, said: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {name: value for name, value in said.items() if _is_said(value)}


class LimitsSchema(Schema):
    """What a request to the model may hold."""

    body_bytes = fields.Function(
        lambda _model: current_app.settings.body_limit_bytes, required=True, metadata=COUNT
    )
    image_pixels = fields.Function(
        lambda model: (
            current_app.settings.image_limit_pixels if model.signature.kind == "image" else missing
        ),
        metadata=COUNT,
    )
    queue_rows = fields.Integer(required=True, attribute="manifest.serve.queue_rows")


class CardSchema(EntrySchema):
    """A model's card, but for the commands to try it with."""

    platform = fields.String(required=True, attribute="manifest.platform")
    license = fields.String(attribute="manifest.license")
    source = fields.String(attribute="manifest.source")
    versions = fields.Function(
        lambda model: [each.version for each in current_app.catalog.versions(model.name)],
        metadata={"type": "array", "items": TEXT},
    )
    kind = fields.String(
        required=True, attribute="signature.kind", metadata={"enum": get_args(ModelKind)}
    )
    features = fields.List(fields.Nested(FeatureSchema), attribute="signature.rows.features")
    inputs = fields.Function(lambda model: TensorSchema({}).dump(model.signature.inputs.values()))
    outputs = fields.Function(
        lambda model: TensorSchema(model.signature.naming.labels).dump(
            model.signature.outputs.values()
        )
    )
    limits = fields.Function(LimitsSchema().dump)


ENTRIES = EntrySchema(many=True)
CARD = CardSchema()


@blueprint.get("/models")
def listing() -> Answer:
    """List the models in the repository, whatever their state."""
    entries = ENTRIES.dump(current_app.catalog)
    return Answer({"success": True, "models": entries}, is_compressible=True)


@blueprint.get("/models/<name>")
@blueprint.get("/models/<name>/versions/<version>")
def card(name: str, version: str | None = None) -> Answer:
    """Show what the model takes and gives, and commands to try it with."""
    card = card_of(current_app.catalog.find(name, version))
    return Answer({"success": True, "model": card}, is_compressible=True)


def card_of(model: Model) -> dict[str, Any]:
    """The card of the *model*, at whose address the request at hand is."""
    card: dict[str, Any] = CARD.dump(model)
    return card | _try_commands(model, request.own_url.rstrip("/"))


@blueprint.get("/models/<name>/example")
@blueprint.get("/models/<name>/versions/<version>/example")
def example(name: str, version: str | None = None) -> Answer:
    """Answer the body of a valid request: what warms the model, and what to try it with."""
    model = current_app.catalog.find(name, version)
    media_type, is_text = example_media_type(model), model.signature.kind != "image"
    return Answer(model.signature.example, 200, media_type, is_compressible=is_text)


def _try_commands(model: Model, url: str) -> dict[str, Any]:
    """What to ask where, as a command that works as it is printed."""
    signature = model.signature
    predict, source = f"{url}/predict", f"{url}/example"
    trial: dict[str, Any] = {"predict": predict, "example_url": source}
    # A host may be any name, and names may hold what a shell obeys.
    quoted, quoted_source = shlex.quote(predict), shlex.quote(source)
    media_type = example_media_type(model)
    sent_as = "image/*" if signature.kind == "image" and media_type == OPAQUE else media_type
    header = f"-H 'Content-Type: {sent_as}'"
    curl = 'curl -H "X-API-Key: $API_KEY"' if current_app.settings.has_keys else "curl"
    if media_type != "application/json" or len(signature.example) > PASTED_BYTES:
        return trial | {
            "curl": f"{curl} -s {quoted_source} | {curl} --data-binary @- {header} {quoted}"
        }
    trial["example"] = orjson.loads(signature.example)
    trial["curl"] = f"{curl} -d {shlex.quote(signature.example.decode())} {header} {quoted}"
    if signature.rows:
        query = urlencode(signature.rows.query(trial["example"]))
        trial["curl_get"] = f"{curl} {shlex.quote(f'{predict}?{query}')}"
    return trial


def example_media_type(model: Model) -> str:
    """The example's, where it is one that no browser runs: a file's name is its owner's choice."""
    if model.signature.kind != "image":
        return "application/json"
    file = model.manifest.example
    named = guess_type(file.name)[0] if file else None
    return named if named in PICTURE_TYPES else OPAQUE
