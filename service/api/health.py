"""/healthz, /readyz and /version: is it alive, may it have traffic, what is it."""

import platform
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

from flask import Blueprint

from service import __version__
from service.answer import Answer
from service.application import current_app
from service.inference.model import Model
from service.problems import problem

blueprint = Blueprint("health", __name__)

REASONS = {
    "loading": "loading",
    "failed": "model_failed",
    "overrunning": "model_overrunning",
}


@blueprint.get("/healthz")
def healthz() -> Answer:
    """Say that this process turns; no dependency, so a probe never restarts it for another's."""
    return Answer({"success": True, "status": "alive"})


@blueprint.get("/readyz")
def readyz() -> Answer:
    """Say whether this worker may have traffic: its models answer, it is not leaving, not full."""
    found = reasons()
    if not found:
        return Answer({"success": True, "status": "ready"})
    return not_ready(found)


@blueprint.get("/version")
def version() -> Answer:
    """Say which release, commit and models run here."""
    return Answer({"success": True, **what_runs()})


def what_runs() -> dict[str, Any]:
    """The release, the commit, Python's and the ready models' versions."""
    return {
        "version": __version__,
        "commit": current_app.settings.commit,
        "python": platform.python_version(),
        "models": {
            model.name: model.version for model in current_app.catalog if model.state == "ready"
        },
    }


def reasons() -> list[dict[str, str]]:
    """What keeps this worker from its traffic."""
    return [*_own_reasons(), *(_reason(model) for model in current_app.catalog.unready())]


def not_ready(found: Sequence[dict[str, str]], **members: Any) -> Answer:
    """Refuse traffic for the reasons *found*."""
    detail = "not ready: " + ", ".join(map(_sentence, found))
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, **members, reasons=found)


def _own_reasons() -> Iterator[dict[str, str]]:
    if current_app.admission.ending:
        yield {"reason": "draining"}
    if current_app.admission.is_full:
        yield {"reason": "overloaded"}


def _reason(model: Model) -> dict[str, str]:
    facts = {
        "reason": REASONS[model.state],
        "model": model.name,
        "version": model.version,
        "detail": model.reason,
    }
    return {name: said for name, said in facts.items() if said}


def _sentence(reason: dict[str, str]) -> str:
    """The reason in a line: `model_failed iris 2 (no such file)`."""
    words = [reason[name] for name in ("reason", "model", "version") if name in reason]
    detail = reason.get("detail")
    return " ".join([*words, f"({detail})"] if detail else words)
