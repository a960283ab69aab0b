"""A page: its template filled, and the fields that keep what is in it from doing harm."""

from functools import cache
from http import HTTPStatus
from typing import Any

import orjson
from jinja2 import Environment, PackageLoader

from service import __version__
from service.answer import Answer
from service.pages.assets import assets
from service.request import request

MEDIA_TYPE = "text/html; charset=utf-8"

# Everything is this host's own; nothing stands in the markup that could run or style.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
FIELDS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
    "Vary": "Accept",
}


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
    answer = Answer(html.encode(), status, MEDIA_TYPE)
    answer.headers |= FIELDS
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
