"""A model's playground: a form of its kind, in which it can be tried."""

from http import HTTPStatus
from typing import Any

import orjson

from service.answer import Answer
from service.api.models import ENTRIES, card_of
from service.application import current_app
from service.errors import ModelLoading, ModelUnavailable, UnknownModel
from service.pages.page import page
from service.problems import service_problem


def playground(name: str, version: str | None = None) -> Answer:
    """Show the form, or why there is none."""
    try:
        model = current_app.catalog.find(name, version)
        return page("playground", model=card_of(model))
    except UnknownModel as unknown:
        return _absent(name, service_problem(unknown), HTTPStatus.NOT_FOUND, [])
    except (ModelLoading, ModelUnavailable) as absent:
        versions = ENTRIES.dump(current_app.catalog.versions(name))
        refusal = service_problem(absent)
        return _absent(name, refusal, HTTPStatus.SERVICE_UNAVAILABLE, versions)


def _absent(name: str, refusal: Answer, status: HTTPStatus, versions: list[Any]) -> Answer:
    """Tell what the *refusal* tells, and of the model's *versions* what the list of models does."""
    told = orjson.loads(refusal.body)["detail"]
    answer = page("absent", status, name=name, told=told, versions=versions)
    if "Retry-After" in refusal.headers:
        answer.headers["Retry-After"] = refusal.headers["Retry-After"]
    return answer
