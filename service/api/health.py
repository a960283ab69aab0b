"""/healthz, /readyz and /version: is it alive, may it have traffic, what is it."""

import platform
from http import HTTPStatus
from typing import Any

import orjson
from flask import Blueprint, Response, current_app

from config.settings import Settings
from service import __version__
from service.api.models import catalog
from service.inference.catalog import Model
from service.problems import problem

blueprint = Blueprint("health", __name__)

REASONS = {"loading": "loading", "failed": "model_failed"}


@blueprint.get("/healthz")
def healthz() -> Response:
    """Say that this process turns; no dependency, so a probe never restarts it for another's."""
    return _probe_answer({"success": True, "status": "alive"})


@blueprint.get("/readyz")
def readyz() -> Response:
    """Say whether every model of this worker has loaded and has answered its example."""
    unready = catalog().unready()
    if not unready:
        return _probe_answer({"success": True, "status": "ready"})
    detail = "not ready: " + ", ".join(f"{model.name} {model.state}" for model in unready)
    refusal = problem(
        HTTPStatus.SERVICE_UNAVAILABLE, detail, reasons=[_reason(model) for model in unready]
    )
    refusal.headers["Cache-Control"] = "no-store"
    return refusal


@blueprint.get("/version")
def version() -> Response:
    """Say which release, commit and models run here."""
    settings: Settings = current_app.extensions["settings"]
    return _probe_answer(
        {
            "success": True,
            "version": __version__,
            "commit": settings.commit,
            "python": platform.python_version(),
            "models": {
                model.name: model.manifest.version for model in catalog() if model.state != "failed"
            },
        }
    )


def _reason(model: Model) -> dict[str, str]:
    return {"reason": REASONS[model.state], "model": model.name}


def _probe_answer(body: dict[str, Any]) -> Response:
    answer = Response(orjson.dumps(body), content_type="application/json")
    answer.headers["Cache-Control"] = "no-store"
    return answer
