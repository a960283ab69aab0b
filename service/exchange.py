"""
One request and its answer, recorded once.

The log line, the counters, the spans and `Server-Timing` of a request are all written from the
same Exchange, at its end: they cannot disagree.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from secrets import token_hex
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from service.counted_body import CountedBody, WholeBody
from service.forwarded import client_ip, router_ms
from service.inference.trip import Trip
from service.origin import ABOUT, Ids
from service.stages import Stages
from service.trace_context import Parent, parent_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# What the environ carries besides (PEP 3333): the recorder's exchange; of the worker's, the stages
# that the request has gone through; whether the client has left; and what it holds of memory.
KEY = "weir.exchange"
STAGES = "weir.stages"
CLIENT_GONE = "weir.client_gone"
HOLD = "weir.hold"

UNMATCHED = "<unmatched>"

# Those that are told by name: clients may make up any other.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

# What a router, an orchestrator and Prometheus ask every few seconds: let in also when nothing else
# is, and not logged while it succeeds.
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})

# The form that Heroku's router passes on: https://devcenter.heroku.com/articles/http-request-id
REQUEST_ID = re.compile(r"[A-Za-z0-9+/=-]{20,200}")

# Identifiers are drawn so many at a time: 128 random bits for a trace, 64 for a span.
TRACE_CHARS, SPAN_CHARS, IDS_AT_ONCE = 32, 16, 64


class Exchange:
    """
    What is known of one request; the status, sizes and stages are final once it has ended.

    What few requests have are attributes of the class until they have it.
    """

    router_ms: float | None = None
    route = UNMATCHED
    status = 500
    bytes_in = bytes_out = 0
    reason = shed = cut = ""
    ended = False
    trip: Trip | None = None
    prediction: Mapping[str, Any] = MappingProxyType({})

    def __init__(
        self,
        ids: Ids,
        parent: Parent | None,
        stages: Stages,
        *,
        method: str,
        path: str,
        client_ip: str,
        user_agent: str,
    ) -> None:
        self.request_id, self.trace_id, self.span_id = ids
        self.parent, self.stages = parent, stages
        self.method, self.path = method, path
        self.client_ip, self.user_agent = client_ip, user_agent

    @property
    def ids(self) -> Ids:
        """Its identifiers, for whoever must not keep the rest."""
        return Ids(self.request_id, self.trace_id, self.span_id)

    @property
    def is_whole(self) -> bool:
        """Whether the request has come to its end."""
        return self.stages.whole_at is not None


Observer: TypeAlias = Callable[[Exchange], None]
Faulted: TypeAlias = Callable[[str, Exception], None]


def _readable(path: str) -> str:
    """A path of PEP 3333 carries the bytes of its UTF-8 one a character."""
    return path if path.isascii() else path.encode("latin-1").decode("utf-8", "replace")


class Recorder:
    """
    The outermost WSGI layer: opens an Exchange, stamps its id on the answer, closes it.

    `tell_in_flight` is told how many are open each time that this has changed.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        trusts: Callable[[str], bool],
        *,
        closed: Iterable[Observer] = (),
        faulted: Faulted = lambda _observer, _error: None,
    ) -> None:
        """
        Record every exchange of *app* and show it to the observers at its end.

        *trusts* tells of a peer whether it is a proxy whose word counts; *faulted* is told the
        concern of an observer that failed (its module below the package), and what it raised.
        """
        self._app = app
        self._trusts = trusts
        self._closed = tuple(closed)
        self._faulted = faulted
        self._fresh_ids: list[str] = []
        self._open: set[Exchange] = set()
        self.tell_in_flight: Callable[[int], None] = lambda _requests: None

    def __call__(  # noqa: D102  # PEP 3333
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        exchange = environ[KEY] = self.open(environ)

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            exchange.status = int(status[:3])
            headers.append(("X-Request-ID", exchange.request_id))
            headers.append(("X-Content-Type-Options", "nosniff"))
            exchange.stages.enter("write")
            headers.append(("Server-Timing", exchange.stages.server_timing()))
            return start_response(status, headers, exc_info)

        try:
            body = self._app(environ, start)
            kind = WholeBody if isinstance(body, tuple) else CountedBody
            return kind(body, exchange, self.close)
        except Exception:
            self.close(exchange)
            raise

    @property
    def in_flight(self) -> int:
        """How many are open now."""
        return len(self._open)

    def open(self, environ: "WSGIEnvironment") -> Exchange:
        """Begin the record of the request that *environ* describes; lines are about it from now."""
        sent_id = environ.get("HTTP_X_REQUEST_ID", "")
        drawn_id = self._drawn_id()
        trace_id, span_id = drawn_id[:TRACE_CHARS], drawn_id[TRACE_CHARS:]
        traceparent = environ.get("HTTP_TRACEPARENT", "")
        parent = parent_of(traceparent, environ.get("HTTP_TRACESTATE", "")) if traceparent else None
        request_id = sent_id if sent_id and REQUEST_ID.fullmatch(sent_id) else trace_id
        exchange = Exchange(
            Ids(request_id, parent.trace_id if parent else trace_id, span_id),
            parent,
            environ.get(STAGES) or Stages.of_whole(),
            method=environ.get("REQUEST_METHOD", ""),
            path=_readable(environ.get("PATH_INFO", "")),
            client_ip=client_ip(environ, self._trusts),
            user_agent=environ.get("HTTP_USER_AGENT", ""),
        )
        if "HTTP_X_REQUEST_START" in environ:
            exchange.router_ms = router_ms(environ["HTTP_X_REQUEST_START"])
        self._open.add(exchange)
        self.tell_in_flight(len(self._open))
        ABOUT.set((exchange,))
        return exchange

    def close(self, exchange: Exchange) -> None:
        """End the record: it is counted and logged now, and never again."""
        if exchange.ended:
            return
        exchange.ended = True
        self._open.discard(exchange)
        exchange.stages.enter("ended")
        self._show(exchange)
        self.tell_in_flight(len(self._open))
        ABOUT.set(())

    def abort(self, reason: str) -> None:
        """End the records of all that is under way, for none of it will be answered any more."""
        for exchange in list(self._open):
            exchange.reason = exchange.cut = reason
            self.close(exchange)

    def _drawn_id(self) -> str:
        """Random bits in hexadecimal, for a trace and a span."""
        try:
            return self._fresh_ids.pop()
        except IndexError:  # a system call for each would cost more than the rest of the record
            width = TRACE_CHARS + SPAN_CHARS
            text = token_hex(width * IDS_AT_ONCE // 2)
            self._fresh_ids += [text[at : at + width] for at in range(0, len(text), width)]
            return self._fresh_ids.pop()

    def _show(self, exchange: Exchange) -> None:
        """Call the observers, none of which can reach the connection that it observes."""
        for observe in self._closed:
            try:
                observe(exchange)
            except Exception as error:  # noqa: BLE001  # an observer may fail in any way
                with suppress(Exception):
                    self._faulted(observe.__module__.split(".")[1], error)
