"""The application: what routes and the worker find at it, on Flask without work nobody needs."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, lru_cache, partial
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar, cast

import flask
from flask.ctx import AppContext, RequestContext
from flask.globals import _cv_app, _cv_request
from flask.sessions import NullSession
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, MapAdapter, Rule

from config.roster import Roster
from config.settings import Settings
from service.access.guard import Guard
from service.answer import Answer
from service.aside import Aside
from service.compression import CODING, INLINE_BYTES, LEAST_BYTES, WAIT_S, pack, wants_gzip
from service.errors import DeadlineExceeded
from service.exposition import Exposition
from service.inference.account import Account
from service.inference.catalog import Catalog
from service.recorder import Recorder
from service.repository.live import Repository
from service.request import Request
from service.statistics import Statistics
from service.tracing.observer import Tracing
from service.wire.admission import Admission

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

T = TypeVar("T")

# Paths of so many characters are remembered with the route that takes them.
KNOWN_PATH_CHARS = 256

# Where the environ carries what was decided before the body was read.
VERDICT = "weir.verdict"

AS_FLASK_ASKS = {"return_rule": True}

NO_SESSION = NullSession()


class Context(RequestContext):
    """A request, as `flask.request` and Flask's handlers of errors find it."""

    def __init__(self, app: "Application", environ: "WSGIEnvironment") -> None:
        self.app = app
        self.request = app.request_class(environ)
        self.request.json_module = app.json
        self.url_adapter = app.adapter_for(environ)
        self.flashes, self._session = None, NO_SESSION
        self._after_request_functions, self._cv_tokens = [], []


class Adapter(MapAdapter):
    """Matches one path and method, and remembers what has matched."""

    def __init__(self, url_map: Map, path: str, method: str) -> None:
        super().__init__(url_map, "localhost", "/", "", "http", path, method)
        self._matched: tuple[Rule, Mapping[str, Any]] | None = None

    def match(self, *args: Any, **options: Any) -> Any:
        """Match as Werkzeug does; as Flask asks, once."""
        if args or options != AS_FLASK_ASKS:
            return super().match(*args, **options)
        if self._matched is None:
            self._matched = super().match(return_rule=True)
        rule, arguments = self._matched
        return rule, dict(arguments)


class Application(flask.Flask):
    """
    What routes and the worker find at the application, and Flask with three methods overridden.

    *parsing* and *scraping* have a native thread each for work that would stop the hub.

    `create_url_adapter`: routes here depend on path and method alone, so the host, scheme and
    subdomain that Flask works out for each match are left out, and a match is worked out once.
    `wsgi_app` and `dispatch_request`: there are no sessions, signals, hooks or coroutines here, and
    looking for them cost a fifth of an echo; the route is noted for the record of the exchange.
    """

    request_class = Request

    settings: Settings
    admission: Admission
    account: Account
    parsing: Aside
    scraping: Aside
    repository: Repository
    catalog: Catalog
    recorder: Recorder
    statistics: Statistics
    attend: Callable[[Roster, int, Sequence[Any]], None]
    sample_gauges: Callable[[], None]
    guard: Guard | None = None
    tracing: Tracing | None = None
    exposition = Exposition()

    def wsgi_app(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a request (PEP 3333)."""
        context = Context(self, environ)
        tokens = _cv_app.set(self._lasting_context), _cv_request.set(context)
        try:
            try:
                context.match_request()
                answer = self._dispatch()
            except Exception as error:  # noqa: BLE001  # as Flask's
                answer = self.handle_exception(error)
            return answer(environ, start_response)
        finally:
            _cv_request.reset(tokens[1])
            _cv_app.reset(tokens[0])
            environ["werkzeug.request"] = None  # a circle that keeps the body

    def _dispatch(self) -> "WSGIApplication":
        try:
            answer: Any = self.dispatch_request()
        except Exception as error:  # noqa: BLE001  # what has a handler is answered by it
            answer = self.handle_user_exception(error)
        asked: Any = _cv_request.get().request
        asked.exchange.stages.enter("encode")
        if not isinstance(answer, Answer):
            return self.make_response(answer)
        if answer.is_compressible and len(answer.body) >= LEAST_BYTES and self.packs_for(asked):
            self._compress(answer)
        return answer

    def packs_for(self, asked: Request) -> bool:
        """Whether *asked* is to have the compressed answer of two that there are."""
        if not self.settings.compression:
            return False
        asked.exchange.varies_by += ("Accept-Encoding",)
        return wants_gzip(asked.environ.get("HTTP_ACCEPT_ENCODING", ""))

    def _compress(self, answer: Answer) -> None:
        work = partial(pack, answer.body)
        if len(answer.body) <= INLINE_BYTES:
            answer.replace_by(work(), CODING)
            return
        with suppress(DeadlineExceeded):  # others' large bodies are before it
            answer.replace_by(self.parsing.run(work, monotonic() + WAIT_S), CODING)

    @cached_property
    def _lasting_context(self) -> AppContext:
        return self.app_context()

    @property
    def is_loading(self) -> bool:
        """Whether a model has neither loaded nor failed yet, or others serve a newer one."""
        return self.catalog.is_loading or self.repository.is_behind

    def takes(self, environ: "WSGIEnvironment") -> bool:
        """Whether a route takes the request, by its path and method, and its sender may ask it."""
        try:
            rule, arguments = self.adapter_for(environ).match(return_rule=True)
        except HTTPException:
            return False
        if not self.guard:
            return True
        verdict = environ[VERDICT] = self.guard.judge(environ, rule.rule, arguments)
        return verdict.refusal is None

    def methods_at(self, environ: "WSGIEnvironment") -> Collection[str]:
        """The methods that the request's path takes; none where it is unknown."""
        return list(self.adapter_for(environ).allowed_methods())

    def taking(self, method: str, environ: "WSGIEnvironment") -> tuple[str, Mapping[str, Any]]:
        """The endpoint that takes *method* at the request's path, and its arguments; or nothing."""
        try:
            return self.adapter_for(environ).match(method=method)
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
        return self.adapter_for(request.environ)

    def adapter_for(self, environ: "WSGIEnvironment") -> MapAdapter:
        """What matches the request's path and method."""
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        make = self._known_adapter if len(path) <= KNOWN_PATH_CHARS else self._new_adapter
        return make(path, method)

    @cached_property
    def _known_adapter(self) -> Callable[[str, str], MapAdapter]:
        return lru_cache(maxsize=256)(self._new_adapter)

    def _new_adapter(self, path: str, method: str) -> MapAdapter:
        return Adapter(self.url_map, path.encode("latin-1").decode("utf-8", "replace"), method)

    def dispatch_request(self) -> Any:
        """Call the view that takes the request, with its route on record."""
        asked: Any = _cv_request.get().request
        if asked.routing_exception is not None:
            self.raise_routing_exception(asked)
        rule = asked.url_rule
        exchange = asked.exchange
        exchange.route = rule.rule
        if self.guard:
            # Decided before the body was read, if that was late.
            verdict = asked.environ.pop(VERDICT, None) or self.guard.judge(
                asked.environ, rule.rule, asked.view_args
            )
            exchange.key = verdict.key
            exchange.called_for += verdict.fields
            if verdict.refusal:
                raise verdict.refusal
        return self.view_functions[rule.endpoint](**asked.view_args)


current_app = cast("Application", flask.current_app)
