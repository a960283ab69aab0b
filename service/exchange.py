"""
One request and its answer, recorded once.

The log line, the counters and `Server-Timing` of a request are all written from the same
Exchange, at its end.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from secrets import token_hex
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# What the environ carries besides (PEP 3333): the recorder's exchange; of the worker's, since when
# it is being read or, once it is whole, handled; whether the client has left; and what the request
# holds of memory.
KEY = "weir.exchange"
STARTED = "weir.started"
WHOLE = "weir.whole"
CLIENT_GONE = "weir.client_gone"
HOLD = "weir.hold"

UNMATCHED = "<unmatched>"

# What a router, an orchestrator and Prometheus ask every few seconds: let in also when nothing else
# is, and not logged while it succeeds.
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})

# The form that Heroku's router passes on: https://devcenter.heroku.com/articles/http-request-id
REQUEST_ID = re.compile(r"[A-Za-z0-9+/=-]{20,200}")

# Identifiers are drawn so many at a time.
ID_BYTES, IDS_AT_ONCE = 16, 64

# What some proxies write for an address, its port beside it or not.
ADDRESS_AND_PORT = re.compile(r"\[([^\[\]]+)\](?::[0-9]+)?|([0-9.]+):[0-9]+")


@dataclass(slots=True)
class Exchange:
    """What is known of one request; the status, sizes and duration are final once it has ended."""

    request_id: str
    method: str
    path: str
    client_ip: str
    user_agent: str
    started: float
    route: str = UNMATCHED
    status: int = 500
    bytes_in: int = 0
    bytes_out: int = 0
    duration_s: float = 0.0
    reason: str = ""
    shed: str = ""
    cut: str = ""
    ended: bool = False
    is_whole: bool = True
    prediction: dict[str, Any] = field(default_factory=dict)


Observer: TypeAlias = Callable[[Exchange], None]
Faulted: TypeAlias = Callable[[str, Exception], None]


def client_ip(environ: "WSGIEnvironment", trusts: Callable[[str], bool]) -> str:
    """
    The client's address.

    The last entry of `X-Forwarded-For` is the peer of the nearest proxy; it counts only when
    the connection comes from one that is trusted, and if it is an address. Some add its port.
    """
    peer: str = environ.get("REMOTE_ADDR", "")
    forwarded: str = environ.get("HTTP_X_FORWARDED_FOR", "")
    if not forwarded or not peer or not trusts(peer):
        return peer
    entries = [entry for entry in forwarded.split(",") if not entry.isspace() and entry]
    return _address(entries[-1].strip(' \t"')) or peer if entries else peer


def _address(entry: str) -> str:
    """The address of `192.0.2.1:80`, `[2001:db8::1]:80`, or one without a port; else nothing."""
    found = ADDRESS_AND_PORT.fullmatch(entry)
    try:
        return str(ip_address(found[1] or found[2] if found else entry))
    except ValueError:
        return ""


def _readable(path: str) -> str:
    """A path of PEP 3333 carries the bytes of its UTF-8 one a character."""
    return path if path.isascii() else path.encode("latin-1").decode("utf-8", "replace")


class Recorder:
    """
    The outermost WSGI layer: opens an Exchange, stamps its id on the answer, closes it.

    *in_flight* are those open now.
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
        module of an observer that failed, and what it raised.
        """
        self._app = app
        self._trusts = trusts
        self._closed = tuple(closed)
        self._faulted = faulted
        self._fresh_ids: list[str] = []
        self.in_flight = 0

    def __call__(  # noqa: D102  # PEP 3333
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        exchange = environ[KEY] = self.open(environ)

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            exchange.status = int(status[:3])
            headers.append(("X-Request-ID", exchange.request_id))
            headers.append(("X-Content-Type-Options", "nosniff"))
            if exchange.prediction and (timing := server_timing(exchange)):
                headers.append(("Server-Timing", timing))
            return start_response(status, headers, exc_info)

        try:
            return _CountedBody(self._app(environ, start), exchange, self.close)
        except Exception:
            self.close(exchange)
            raise

    def open(self, environ: "WSGIEnvironment") -> Exchange:
        """Begin the record of the request that *environ* describes."""
        sent_id = environ.get("HTTP_X_REQUEST_ID", "")
        exchange = Exchange(
            request_id=sent_id if sent_id and REQUEST_ID.fullmatch(sent_id) else self._new_id(),
            method=environ.get("REQUEST_METHOD", ""),
            path=_readable(environ.get("PATH_INFO", "")),
            client_ip=client_ip(environ, self._trusts),
            user_agent=environ.get("HTTP_USER_AGENT", ""),
            started=environ.get(STARTED) or perf_counter(),
            is_whole=environ.get(WHOLE, True),
        )
        self.in_flight += 1
        return exchange

    def close(self, exchange: Exchange) -> None:
        """End the record: it is counted and logged now, and never again."""
        if exchange.ended:
            return
        exchange.ended = True
        self.in_flight -= 1
        exchange.duration_s = perf_counter() - exchange.started
        self._show(exchange)

    def _new_id(self) -> str:
        """128 random bits in hexadecimal."""
        try:
            return self._fresh_ids.pop()
        except IndexError:  # a system call for each would cost more than the rest of the record
            text, width = token_hex(ID_BYTES * IDS_AT_ONCE), 2 * ID_BYTES
            self._fresh_ids += [text[at : at + width] for at in range(0, len(text), width)]
            return self._fresh_ids.pop()

    def _show(self, exchange: Exchange) -> None:
        """Call the observers, none of which can reach the connection that it observes."""
        for observe in self._closed:
            try:
                observe(exchange)
            except Exception as error:  # noqa: BLE001  # an observer may fail in any way
                with suppress(Exception):
                    self._faulted(observe.__module__.rpartition(".")[2], error)


class _CountedBody:
    """The body on its way out: counts its bytes and closes the exchange once it has been sent."""

    __slots__ = ("_body", "_chunks", "_close", "_exchange")

    def __init__(self, body: Iterable[bytes], exchange: Exchange, close: Observer) -> None:
        self._body = body
        self._chunks = iter(body)
        self._exchange = exchange
        self._close = close

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk = next(self._chunks)
        self._exchange.bytes_out += len(chunk)
        return chunk

    def close(self) -> None:
        """Called by the server when the answer has left, or the client has (PEP 3333)."""
        try:
            if hasattr(self._body, "close"):
                self._body.close()
        finally:
            self._close(self._exchange)


def server_timing(exchange: Exchange) -> str:
    """The prediction's stages in milliseconds (https://www.w3.org/TR/server-timing/)."""
    stages = (name for name in exchange.prediction if name.endswith("_ms"))
    return ", ".join(f"{name[:-3]};dur={exchange.prediction[name]:.2f}" for name in stages)
