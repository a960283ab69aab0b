"""The recorder: opens the record of each request, and shows it to its observers at its end."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from secrets import token_hex
from typing import TYPE_CHECKING, Any, TypeAlias

from config.roster import own_cell
from service.counted_body import CountedBody
from service.exchange import KEY, STAGES, Beginner, Drawn, Exchange, Observer
from service.forwarded import client_ip
from service.origin import ABOUT

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Identifiers are drawn so many at a time: 128 random bits for a trace, 64 for a span.
TRACE_CHARS, SPAN_CHARS, IDS_AT_ONCE = 32, 16, 64

Faulted: TypeAlias = Callable[[str, Exception], None]


def _drawn() -> list[Drawn]:
    """Random bits in hexadecimal; a system call for each would cost more than the whole record."""
    width = TRACE_CHARS + SPAN_CHARS
    text = token_hex(width * IDS_AT_ONCE // 2)
    return [
        (text[at : at + TRACE_CHARS], text[at + TRACE_CHARS : at + width])
        for at in range(0, len(text), width)
    ]


def _with_fields(exchange: Exchange, start_response: "StartResponse") -> "StartResponse":
    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        for line in exchange.begin_answer(int(status[:3])).splitlines():
            name, _, value = line.partition(": ")
            headers.append((name, value))
        return start_response(status, headers, exc_info)

    return start


class Recorder:
    """
    The outermost WSGI layer: opens an Exchange, and closes it where the server does not.

    The worker, which sends stages, writes the exchange's fields into the answer's head and closes
    it when that has left. To another server they are answered as PEP 3333 has it.

    The cell `told_in_flight` has how many are open.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        *,
        begun: Iterable[Beginner] = (),
        closed: Iterable[Observer] = (),
        faulted: Faulted = lambda _observer, _error: None,
    ) -> None:
        """
        Record every exchange of *app*; those of *begun* may add to its fields, of *closed* observe.

        *faulted* is told the concern of an observer that failed (its module below the package), and
        what it raised.
        """
        self._app = app
        self._begun = tuple(begun)
        self._closed = tuple(closed)
        self._faulted = faulted
        self._fresh_ids: list[Drawn] = []
        self._open: set[Exchange] = set()
        self.told_in_flight = own_cell()

    def __call__(  # noqa: D102  # PEP 3333
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        exchange = environ[KEY] = self.open(environ)
        if STAGES not in environ:
            return self._answer_elsewhere(environ, start_response, exchange)
        try:
            body = self._app(environ, start_response)
        except Exception:
            self.close(exchange)
            raise
        if isinstance(body, tuple):
            exchange.bytes_out = sum(map(len, body))
            return body
        return CountedBody(body, exchange)

    def _answer_elsewhere(
        self, environ: "WSGIEnvironment", start_response: "StartResponse", exchange: Exchange
    ) -> Iterable[bytes]:
        """Answer under a server that knows nothing of the exchange."""
        start = _with_fields(exchange, start_response)
        try:
            return CountedBody(self._app(environ, start), exchange, self.close)
        except Exception:
            self.close(exchange)
            raise

    @property
    def in_flight(self) -> int:
        """How many are open now."""
        return len(self._open)

    def open(self, environ: "WSGIEnvironment") -> Exchange:
        """Begin the record of the request that *environ* describes; lines are about it from now."""
        fresh = self._fresh_ids
        if not fresh:
            fresh += _drawn()
        exchange = Exchange(environ, fresh.pop(), client_ip(environ))
        for begin in self._begun:
            begin(environ, exchange)
        self._open.add(exchange)
        self.told_in_flight[0] = len(self._open)
        ABOUT.set((exchange,))
        return exchange

    def close(self, exchange: Exchange | None) -> None:
        """End the record, if there is one: it is counted and logged now, and never again."""
        if exchange is None or exchange.ended:
            return
        exchange.ended = True
        exchange.stages.enter("ended")
        self._open.discard(exchange)
        for observe in self._closed:
            try:
                observe(exchange)
            except Exception as error:  # noqa: BLE001  # an observer may fail in any way
                # None can reach the connection that it observes, nor can who tells of its fault.
                with suppress(Exception):
                    self._faulted(observe.__module__.split(".")[1], error)
        self.told_in_flight[0] = len(self._open)
        ABOUT.set(())

    def abort(self, reason: str) -> None:
        """End the records of all that is under way, for none of it will be answered any more."""
        for exchange in list(self._open):
            exchange.reason = exchange.cut = reason
            self.close(exchange)
