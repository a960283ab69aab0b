"""The answer of a route: one JSON document."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import flask
import orjson

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Answer(flask.Response):
    """
    A JSON document, given as what it says or as its bytes.

    Overrides `__call__`: Werkzeug's looks for what a body may be besides (a file, a generator, a
    redirect), at a tenth of an echo's cost.
    """

    def __init__(
        self, document: Any, status: int = 200, content_type: str = "application/json"
    ) -> None:
        self.body = document if isinstance(document, bytes) else orjson.dumps(document)
        super().__init__(self.body, status, content_type=content_type)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer as WSGI wants it; a HEAD has no body (PEP 3333)."""
        start_response(self.status, self.headers.to_wsgi_list())
        return () if environ["REQUEST_METHOD"] == "HEAD" else (self.body,)
