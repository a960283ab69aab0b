"""A page: its template filled, and told to be one."""

from functools import cache
from http import HTTPStatus
from typing import Any

import orjson
from jinja2 import Environment, PackageLoader

from service import __version__
from service.answer import Answer
from service.pages.assets import assets
from service.request import request
from service.security_headers import PAGE

MEDIA_TYPE = "text/html; charset=utf-8"


def page(template: str, status: HTTPStatus = HTTPStatus.OK, **values: Any) -> Answer:
    """Fill the *template* with *values*, all of which are text in it and never markup."""
    root = root_of(request.path)
    html = (
        _templates()
        .get_template(f"{template}.html.jinja")
        .render(
            root=root,
            asset=lambda name: f"{root}static/{assets().name_of(name)}",
            version=__version__,
            **values,
        )
    )
    # What tells that something is not there repeats what was asked for.
    is_plain = status is HTTPStatus.OK
    answer = Answer(html.encode(), status, MEDIA_TYPE, is_compressible=is_plain)
    request.exchange.protection = PAGE
    request.exchange.varies_by += ("Accept",)
    return answer


def root_of(path: str) -> str:
    """Find the way from *path* to the root, which holds behind a proxy with a prefix as well."""
    return "../" * (path.count("/") - 1) or "./"


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("service.pages"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["json_text"] = lambda value: orjson.dumps(value).decode()
    return templates
