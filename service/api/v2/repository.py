"""/v2/repository: which models there are, and how they come and go while others serve."""

from typing import Any

from flask import Blueprint
from marshmallow import ValidationError, fields

from config.settings import ADMIN_TOKEN
from service.answer import Answer
from service.application import current_app
from service.errors import NotEnabled
from service.exchange import ALLOW
from service.inference.model import Model
from service.json_text import read_object
from service.repository.coordinator import Coordinator
from service.request import request
from service.request_schema import RequestSchema

blueprint = Blueprint("v2_repository", __name__)

STATES = {"ready": "READY", "loading": "LOADING"}
EXAMPLE = "{}"


class FlagField(fields.Field[bool]):
    """True or false, and neither a number nor a word for them."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("Not a valid boolean.")
        return value


class IndexSchema(RequestSchema):
    """What of the index is asked for."""

    ready = FlagField(load_default=False, metadata={"wanted": "true or false", "type": "boolean"})


class ChangeParameters(fields.Field[dict[str, Any]]):
    """What Triton takes with a load; here a model is what stands in its folder."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, Any]:
        if value is not None and not isinstance(value, dict):
            raise ValidationError("an object is wanted")
        if strange := set(value or ()) - {"unload_dependents"}:
            told = "a model is loaded as it stands in the repository; change its files there"
            raise ValidationError({min(strange)[:100]: [told]})
        if not isinstance((value or {}).get("unload_dependents", False), bool):
            raise ValidationError({"unload_dependents": ["true or false is wanted"]})
        return value or {}


class ChangeSchema(RequestSchema):
    """What comes with a load or an unload."""

    parameters = ChangeParameters(
        allow_none=True,
        metadata={
            "wanted": "unload_dependents",
            "type": "object",
            "properties": {"unload_dependents": {"type": "boolean"}},
            "additionalProperties": False,
        },
    )


INDEX, CHANGE = IndexSchema(), ChangeSchema()


@blueprint.post("/v2/repository/index")
def index() -> Answer:
    """List every version of every model, served or only in the repository."""
    _refuse_if_off()
    only_ready = INDEX.load(_sent())["ready"]
    models = list(current_app.catalog)
    entries = [_entry(model) for model in models]
    served = {model.name for model in models}
    entries += [
        {"name": folder.name, "state": "UNAVAILABLE", "reason": "unloaded"}
        for folder in current_app.repository.coordinator.folders()
        if folder.name not in served
    ]
    return Answer([entry for entry in entries if not only_ready or entry["state"] == "READY"])


@blueprint.post("/v2/repository/models/<name>/load")
def load(name: str) -> Answer:
    """Serve the model as it stands in the repository, in all workers or in none."""
    _refuse_if_off()
    CHANGE.load(_sent())
    changed = _coordinator().load(name)
    return Answer({"name": name, "changed": changed})


@blueprint.post("/v2/repository/models/<name>/unload")
def unload(name: str) -> Answer:
    """Serve the model no more."""
    _refuse_if_off()
    CHANGE.load(_sent())
    _coordinator().unload(name)
    return Answer({"name": name, "changed": True})


@blueprint.post("/v2/repository/reload")
def reload() -> Answer:
    """Serve the whole repository as it stands; what cannot be loaded stays as it was."""
    _refuse_if_off()
    CHANGE.load(_sent())
    changed, refused = _coordinator().reload()
    return Answer({"changed": changed, "refused": refused})


def _refuse_if_off() -> None:
    if not current_app.settings.takes_changes:
        raise NotEnabled(
            f"this is switched off; it takes {ADMIN_TOKEN}, or an API key with the scope admin, "
            "when the service starts"
        )


def _coordinator() -> Coordinator:
    """What changes the models, which may take longer than a prediction."""
    coordinator = current_app.repository.coordinator
    allow = request.environ.get(ALLOW)
    if allow:
        allow(coordinator.limit_s)
    return coordinator


def _sent() -> dict[str, Any]:
    body = request.body if request.has_body else b""
    return read_object(body, EXAMPLE, request.hold) if body.strip() else {}


def _entry(model: Model) -> dict[str, str]:
    return {
        "name": model.name,
        "version": model.version,
        "state": STATES.get(model.state, "UNAVAILABLE"),
        "reason": model.reason,
    }
