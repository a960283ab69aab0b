"""The application: what routes and the worker find at it, on Flask without work nobody needs."""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar, cast

import flask
from flask.sessions import NullSession, SessionInterface
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from config.settings import Settings
from service.aside import Aside
from service.exchange import Recorder
from service.inference.account import Account
from service.inference.catalog import Catalog
from service.request import Request, request
from service.wire.admission import Admission

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from flask.typing import ResponseReturnValue

T = TypeVar("T")


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
    What routes and the worker find at the application, and Flask with two methods overridden.

    *parsing* and *scraping* have a native thread each for work that would stop the hub.

    `create_url_adapter`: routes here depend on path and method alone, so the host, scheme and
    subdomain that Flask works out for each match are left out.
    `dispatch_request`: notes the route for the record of the exchange.
    """

    request_class = Request
    session_interface = NoSession()

    settings: Settings
    admission: Admission
    account: Account
    parsing: Aside
    scraping: Aside
    catalog: Catalog
    recorder: Recorder

    @property
    def is_loading(self) -> bool:
        """Whether a model has neither loaded nor failed yet."""
        return self.catalog.is_loading

    def takes(self, environ: "WSGIEnvironment") -> bool:
        """Whether a route takes the request, by its path and method."""
        return self._adapter(environ).test()

    def taking(self, method: str, environ: "WSGIEnvironment") -> tuple[str, Mapping[str, Any]]:
        """The endpoint that takes *method* at the request's path, and its arguments; or nothing."""
        try:
            return self._adapter(environ).match(method=method)
        except HTTPException:
            return "", {}

    def run_aside(self, work: Callable[[], T]) -> T:
        """
        Do *work*, which must not ask for the request at hand, and return or raise what it does.

        Raises DeadlineExceeded when its turn has not come within the time that handling may take.
        """
        return self.parsing.run(work, monotonic() + self.settings.handling_timeout_s)

    def create_url_adapter(self, request: flask.Request | None) -> MapAdapter | None:
        """Match by path and method."""
        if request is None:
            return super().create_url_adapter(request)
        return self._adapter(request.environ)

    def _adapter(self, environ: "WSGIEnvironment") -> MapAdapter:
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        method = environ["REQUEST_METHOD"]
        return MapAdapter(self.url_map, "localhost", "/", "", "http", path, method)

    def dispatch_request(self) -> "ResponseReturnValue":
        """Dispatch as Flask does, with the route on record."""
        if request.url_rule is not None:
            request.exchange.route = request.url_rule.rule
        return super().dispatch_request()


current_app = cast("Application", flask.current_app)
