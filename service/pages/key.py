"""The page that asks for a key, where a page was asked for without one that is known."""

from http import HTTPStatus

import orjson

from service.answer import Answer
from service.errors import KeyRefused
from service.pages.negotiation import prefers_html
from service.pages.page import page
from service.problems import service_problem
from service.request import request

# Whoever asks elsewhere is a program, or a script of a page, which shows what it is told.
PAGES = frozenset({"/", "/docs", "/models/<name>", "/models/<name>/versions/<version>"})


def refused(error: KeyRefused) -> Answer:
    """Answer with the page or with a problem, in either case as 401."""
    problem = service_problem(error)
    wants = prefers_html(request.environ.get("HTTP_ACCEPT", ""))
    if request.method == "POST" or request.exchange.route not in PAGES or not wants:
        return problem
    answer = page("key", HTTPStatus.UNAUTHORIZED, told=orjson.loads(problem.body)["detail"])
    answer.headers["WWW-Authenticate"] = problem.headers["WWW-Authenticate"]
    return answer
