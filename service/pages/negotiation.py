"""Who gets a page and who JSON where a resource has both (RFC 9110 section 12.5.1)."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from service.answer import Answer
from service.errors import ServiceError
from service.problems import service_problem
from service.request import request

View: TypeAlias = Callable[..., Any]

HTML, JSON = "text/html", "application/json"

# What Java's HttpURLConnection says where its program has told it nothing; no browser's says so.
JAVA = "text/html, image/gif, image/jpeg, "

# Longer fields are parsed each time rather than remembered.
KNOWN_ACCEPT_CHARS = 400


def prefers_html(accept: str) -> bool:
    """
    Whether *accept*, the field `Accept`, wants HTML more than JSON, as a browser's navigation does.

    Where both are as welcome, as to `*/*` or without the field, it is JSON.
    """
    if HTML not in accept.lower() or accept.startswith(JAVA):  # a page is asked for by name
        return False
    parse = _known if len(accept) <= KNOWN_ACCEPT_CHARS else _parsed
    wanted = parse(accept)
    return wanted.quality(HTML) > wanted.quality(JSON)


def _parsed(accept: str) -> MIMEAccept:
    return parse_accept_header(accept, MIMEAccept)


_known = lru_cache(maxsize=64)(_parsed)


class Negotiated:
    """A view that answers JSON, or a page where the client prefers HTML."""

    def __init__(
        self,
        view: View,
        page: View,
        has_page: Callable[[], bool] = lambda: True,
        has_had: Callable[[Answer], bool] = lambda _answer: True,
    ) -> None:
        """
        The request at hand may *has_page*, and an answer *has_had* one beside it.

        Both are asked as late as can be: an echo passes here, and is to notice nothing of pages.
        """
        self._view, self._page, self._has_page, self._has_had = view, page, has_page, has_had

    def __call__(self, **names: Any) -> Any:
        """Answer the request at hand."""
        if prefers_html(request.environ.get("HTTP_ACCEPT", "")) and self._has_page():
            return self._page(**names)
        try:
            answer: Answer = self._view(**names)
        except ServiceError as error:
            answer = service_problem(error)
        if self._has_had(answer):
            request.exchange.varies_by += ("Accept",)
        return answer
