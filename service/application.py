"""Flask without the work that none of our routes needs."""

from typing import TYPE_CHECKING

import flask
from flask.sessions import NullSession, SessionInterface
from werkzeug.routing import MapAdapter

from service import exchange
from service.request import Request

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


class NoSession(SessionInterface):
    """One session for all requests: the one that cannot hold anything."""

    def __init__(self) -> None:
        self._null = NullSession()

    def open_session(self, app: flask.Flask, request: flask.Request) -> NullSession:  # noqa: ARG002
        """Return the same null session, where Flask would make one for each request."""
        return self._null

    def save_session(self, *_: object) -> None:
        """Save nothing."""


class Application(flask.Flask):
    """
    Flask with two methods overridden.

    `create_url_adapter`: routes here depend on path and method alone, so the host, scheme and
    subdomain that Flask works out for each match are left out.
    `dispatch_request`: notes the route for the record of the exchange.
    """

    request_class = Request
    session_interface = NoSession()

    def create_url_adapter(self, request: flask.Request | None) -> MapAdapter | None:
        """Match by path and method."""
        if request is None:
            return super().create_url_adapter(request)
        path = request.environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        return MapAdapter(self.url_map, "localhost", "/", "", "http", path, request.method)

    def dispatch_request(self) -> "ResponseReturnValue":
        """Dispatch as Flask does, with the route on record."""
        request = flask.request
        if request.url_rule is not None:
            request.environ[exchange.KEY].route = request.url_rule.rule
        return super().dispatch_request()
