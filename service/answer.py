"""The answer of a route: one JSON document."""

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
from werkzeug.http import HTTP_STATUS_CODES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Answer:
    """
    A JSON document, given as what it says or as its bytes, as WSGI answers it (PEP 3333).

    Flask takes any WSGI application for an answer; to make a response of its own, which may be a
    file, a generator or a redirect as well, took 5 % of an echo.
    """

    def __init__(
        self,
        document: Any,
        status: int = 200,
        content_type: str = "application/json",
        *,
        is_compressible: bool = False,
    ) -> None:
        """What *is_compressible* repeats nothing of what its request has sent."""
        self.is_compressible = is_compressible
        self.body = document if isinstance(document, bytes) else orjson.dumps(document)
        self.status = _status_line(status)
        self.headers = {"Content-Type": content_type, "Content-Length": str(len(self.body))}

    def replace_by(self, packed: bytes, coding: str) -> None:
        """Answer what the body has become by *coding*."""
        self.body = packed
        self.headers |= {"Content-Encoding": coding, "Content-Length": str(len(packed))}

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer; a HEAD has no body."""
        start_response(self.status, list(self.headers.items()))
        return () if environ["REQUEST_METHOD"] == "HEAD" else (self.body,)


@cache
def _status_line(status: int) -> str:
    return f"{status} {HTTP_STATUS_CODES[status].upper()}"
