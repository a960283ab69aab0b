"""A model's playground: a form of its kind, in which it can be tried."""

from http import HTTPStatus

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
        service_problem(unknown)  # for the log's line
        told = str(unknown)
        return page("absent", HTTPStatus.NOT_FOUND, name=name, told=told, versions=[])
    except (ModelLoading, ModelUnavailable) as absent:
        answer = page(
            "absent",
            HTTPStatus.SERVICE_UNAVAILABLE,
            name=name,
            told=model.reason or str(absent),
            versions=ENTRIES.dump(current_app.catalog.versions(name)),
        )
        answer.headers["Retry-After"] = service_problem(absent).headers["Retry-After"]
        return answer
