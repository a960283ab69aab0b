"""
One request and its answer, recorded once.

The log line, the counters, the spans and `Server-Timing` of a request are all written from the
same Exchange, at its end: they cannot disagree.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from service.forwarded import router_ms
from service.inference.trip import Trip
from service.origin import Ids
from service.security_headers import DATA
from service.stages import Stages
from service.trace_context import Parent, parent_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# What the environ carries besides (PEP 3333): the recorder's exchange; of the worker's, the stages
# that the request has gone through; whether the client has left; what it holds of memory; and what
# lets handling take another time than the settings say.
KEY = "weir.exchange"
STAGES = "weir.stages"
CLIENT_GONE = "weir.client_gone"
HOLD = "weir.hold"
ALLOW = "weir.allow"

UNMATCHED = "<unmatched>"

# Those that are told by name: clients may make up any other.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

# What a router, an orchestrator and Prometheus ask every few seconds: let in also when nothing else
# is, and not logged while it succeeds.
PROBES = frozenset({"/healthz", "/readyz", "/metrics", "/v2/health/live", "/v2/health/ready"})

# The form that Heroku's router passes on: https://devcenter.heroku.com/articles/http-request-id
REQUEST_ID = re.compile(r"[A-Za-z0-9+/=-]{20,200}")

# What is drawn for a request: its trace's identifier and its span's, in hexadecimal.
Drawn: TypeAlias = tuple[str, str]


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
    key = ""
    ended = False
    trip: Trip | None = None
    parent: Parent | None = None
    prediction: Mapping[str, Any] = MappingProxyType({})

    # Of the answer's fields: the lines that protect it, those that the request called for, and the
    # names of what it varies by.
    protection = DATA
    called_for = ""
    varies_by: tuple[str, ...] = ()

    def __init__(self, environ: "WSGIEnvironment", drawn: Drawn, client_ip: str) -> None:
        """Begin with what *environ* says of the request, and the ids *drawn* where it has none."""
        told = environ.get
        self.trace_id, self.span_id = drawn
        self.client_ip = client_ip
        self.stages: Stages = told(STAGES) or Stages.of_whole()
        self.method: str = told("REQUEST_METHOD", "")
        path: str = told("PATH_INFO", "")
        self.path = path if path.isascii() else _readable(path)
        self.user_agent: str = told("HTTP_USER_AGENT", "")
        if "HTTP_TRACEPARENT" in environ:
            self.parent = parent_of(environ["HTTP_TRACEPARENT"], told("HTTP_TRACESTATE", ""))
            self.trace_id = self.parent.trace_id if self.parent else self.trace_id
        sent_id = told("HTTP_X_REQUEST_ID", "")
        self.request_id: str = sent_id if sent_id and REQUEST_ID.fullmatch(sent_id) else drawn[0]
        if "HTTP_X_REQUEST_START" in environ:
            self.router_ms = router_ms(environ["HTTP_X_REQUEST_START"])

    def begin_answer(self, status: int) -> str:
        """Note that the answer's head leaves now; the fields that it bears, as lines."""
        self.status = status
        self.stages.enter("write")
        vary = f"Vary: {', '.join(self.varies_by)}\r\n" if self.varies_by else ""
        return (
            f"X-Request-ID: {self.request_id}\r\n"
            f"{self.protection}{self.called_for}{vary}"
            f"Server-Timing: {self.stages.server_timing()}\r\n"
        )

    @property
    def ids(self) -> Ids:
        """Its identifiers, for whoever must not keep the rest."""
        return Ids(self.request_id, self.trace_id, self.span_id)


# Told of each exchange when it begins, with what is known of its request so far.
Beginner: TypeAlias = "Callable[[WSGIEnvironment, Exchange], None]"
Observer: TypeAlias = Callable[[Exchange], None]


def _readable(path: str) -> str:
    """A path of PEP 3333 carries the bytes of its UTF-8 one a character."""
    return path.encode("latin-1").decode("utf-8", "replace")
