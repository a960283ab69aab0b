"""A model's playground: a form of its kind, in which it can be tried."""

from http import HTTPStatus

from service.answer import Answer
from service.api.models import ENTRIES, card_of
from service.application import current_app
from service.errors import ModelLoading, ModelUnavailable, UnknownModel
from service.pages.page import page

KINDS = {
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "string": "text",
    "datetime": "a date, such as 2026-01-31T12:00:00",
}


def playground(name: str, version: str | None = None) -> Answer:
    """Show the form, or why there is none."""
    try:
        model = current_app.catalog.find(name, version)
        card = card_of(model)
    except UnknownModel as unknown:
        return page("absent", HTTPStatus.NOT_FOUND, name=name, told=str(unknown), versions=[])
    except (ModelLoading, ModelUnavailable) as absent:
        return page(
            "absent",
            HTTPStatus.SERVICE_UNAVAILABLE,
            name=name,
            told=model.reason or str(absent),
            versions=ENTRIES.dump(current_app.catalog.versions(name)),
        )
    return page("playground", model=card, kinds=KINDS)
