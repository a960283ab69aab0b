"""
Which pages of other origins may read answers: the CORS protocol of https://fetch.spec.whatwg.org.

No credentials of a browser's are used here (a key travels in a field, which only the page itself
can set), so `Access-Control-Allow-Credentials` is never sent.
"""

from collections.abc import Callable, Collection, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from service.exchange import KEY, Exchange

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ANYONE = "*"

# Fields of requests that are read here and that a page may not send without being told so.
REQUEST_FIELDS = (
    "Authorization",
    "Content-Encoding",
    "Content-Type",
    "If-None-Match",
    "Inference-Header-Content-Length",
    "traceparent",
    "tracestate",
    "X-API-Key",
    "X-Request-Deadline-Ms",
    "X-Request-ID",
)

# Fields of answers that a script may not read without being told so.
ANSWER_FIELDS = (
    "Allow",
    "Content-Encoding",
    "ETag",
    "Inference-Header-Content-Length",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Server-Timing",
    "WWW-Authenticate",
    "X-Request-ID",
)

# Chromium keeps what a preflight was answered for no longer.
MAX_AGE_S = 7200

ORIGIN = "Origin"
VARIES_BY = (ORIGIN, "Access-Control-Request-Method", "Access-Control-Request-Headers")
EXPOSED = f"Access-Control-Expose-Headers: {', '.join(ANSWER_FIELDS)}\r\n"


def is_preflight(environ: "WSGIEnvironment") -> bool:
    """Whether a browser asks here what a page of another origin may send."""
    return (
        environ.get("REQUEST_METHOD") == "OPTIONS"
        and "HTTP_ORIGIN" in environ
        and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
    )


class Cors:
    """Lets pages of the *origins*, or of any where that is `*`, read answers."""

    def __init__(self, origins: Collection[str]) -> None:
        """*origins* are written as browsers write them."""
        self._lines = {
            origin: f"Access-Control-Allow-Origin: {origin}\r\n{EXPOSED}" for origin in origins
        }

    def __call__(self, environ: "WSGIEnvironment", exchange: Exchange) -> None:
        """Begin *exchange* with what its answer tells the browser, an error's and a refusal's."""
        if ANYONE not in self._lines:  # to anyone every answer says the same
            exchange.varies_by = (ORIGIN, *exchange.varies_by)
        exchange.called_for += self._line_for(environ)

    def _line_for(self, environ: "WSGIEnvironment") -> str:
        lines = self._lines
        return lines.get(ANYONE) or lines.get(environ.get("HTTP_ORIGIN", ""), "")

    def answers(self, environ: "WSGIEnvironment") -> bool:
        """Whether the page that the request is of may read the answer."""
        return bool(self._line_for(environ))


class Preflights:
    """A WSGI layer (PEP 3333) that answers preflights, of which the application hears nothing."""

    def __init__(
        self,
        app: "WSGIApplication",
        cors: Cors,
        methods_at: "Callable[[WSGIEnvironment], Collection[str]]",
    ) -> None:
        """*methods_at* tells the methods that a request's path takes; none where it is unknown."""
        self._app, self._cors, self._methods_at = app, cors, methods_at

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer, or have the application answer."""
        methods = self._methods_at(environ) if is_preflight(environ) else ()
        if not methods:
            return self._app(environ, start_response)
        environ[KEY].varies_by = VARIES_BY
        fields = self._fields(methods) if self._cors.answers(environ) else []
        status = HTTPStatus.NO_CONTENT
        start_response(f"{status.value} {status.phrase.upper()}", fields)
        return ()

    @staticmethod
    def _fields(methods: Collection[str]) -> list[tuple[str, str]]:
        return [
            ("Access-Control-Allow-Methods", ", ".join(sorted(methods))),
            ("Access-Control-Allow-Headers", ", ".join(REQUEST_FIELDS)),
            ("Access-Control-Max-Age", str(MAX_AGE_S)),
        ]
