"""
The spans of one request, made of its record.

The names of attributes are OpenTelemetry's for HTTP servers
(https://opentelemetry.io/docs/specs/semconv/http/http-spans/), and beside them `weir.*`.
"""

from collections.abc import Iterator, Mapping, Sequence
from secrets import randbits
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.span import TraceState
from opentelemetry.trace.status import Status, StatusCode

from service import __version__
from service.exchange import METHODS, UNMATCHED, Exchange
from service.inference.trip import Batch, Trip
from service.origin import Origin

SCOPE = InstrumentationScope("weir", __version__)
SAMPLED = TraceFlags(TraceFlags.SAMPLED)
NS = 1_000_000_000


def spans_of(exchange: Exchange, ended_ns: int, resource: Resource) -> list[ReadableSpan]:
    """
    The request's span and, of a prediction, its wait, its batch and the model's own time.

    The request ended at *ended_ns* since 1970. A batch's span is told once, below the first of its
    requests that is told, with links to all of them; the others have a link to it.
    """
    return list(_Spans(exchange, ended_ns, resource).all())


class _Spans:
    def __init__(self, exchange: Exchange, ended_ns: int, resource: Resource) -> None:
        self._exchange = exchange
        self._resource = resource
        # The record's clocks count from the machine's start, all the same.
        self._start_s = exchange.stages.started
        self._end_s = self._start_s + exchange.stages.total_s
        self._epoch_ns = ended_ns - round(self._end_s * NS)
        self._context = _context(exchange, exchange.parent.state if exchange.parent else "")

    def all(self) -> Iterator[ReadableSpan]:
        """The request's span, and those below it."""
        trip = self._exchange.trip
        batch = trip.batch if trip and trip.batch and trip.batch.ended_s else None
        is_told = bool(batch and batch.span)
        yield self._request([Link(batch.span)] if batch and is_told else [])
        if trip and trip.asked_s:
            yield self._wait(trip)
        if batch and not is_told:
            yield from self._batch(batch)

    def _request(self, links: list[Link]) -> ReadableSpan:
        exchange, parent = self._exchange, None
        if exchange.parent:
            parent = SpanContext(
                int(exchange.parent.trace_id, 16),
                int(exchange.parent.span_id, 16),
                is_remote=True,
                trace_flags=SAMPLED if exchange.parent.is_sampled else TraceFlags(0),
            )
        method = exchange.method if exchange.method in METHODS else "HTTP"
        is_matched = exchange.route != UNMATCHED
        return ReadableSpan(
            name=f"{method} {exchange.route}" if is_matched else method,
            context=self._context,
            parent=parent,
            resource=self._resource,
            attributes=_attributes(exchange),
            links=links,
            kind=SpanKind.SERVER,
            status=Status(StatusCode.ERROR if exchange.status >= 500 else StatusCode.UNSET),
            start_time=self._at(self._start_s),
            end_time=self._at(self._end_s),
            instrumentation_scope=SCOPE,
        )

    def _wait(self, trip: Trip) -> ReadableSpan:
        facts = {"weir.restart_ms": trip.restart_s * 1000} if trip.restart_s else {}
        until_s = trip.began_s or self._end_s
        return self._below(self._context, "queue", trip.asked_s, until_s, attributes=facts)

    def _batch(self, batch: Batch) -> Iterator[ReadableSpan]:
        asked = self._exchange.prediction
        own = self._child_context()
        batch.span = own
        facts = {
            "weir.model.name": asked["model"],
            "weir.model.version": asked["version"],
            "weir.batch.requests": batch.requests,
            "weir.batch.rows": batch.rows,
        }
        links = [Link(_context(origin)) for origin in batch.origins]
        began_s, ended_s = batch.began_s, batch.ended_s
        yield self._below(
            self._context, "batch", began_s, ended_s, context=own, links=links, attributes=facts
        )
        where = {"process.pid": batch.process} if batch.process else {}
        yield self._below(own, "inference", ended_s - batch.infer_s, ended_s, attributes=where)

    def _below(
        self,
        parent: SpanContext,
        name: str,
        start_s: float,
        end_s: float,
        *,
        context: SpanContext | None = None,
        links: Sequence[Link] = (),
        attributes: Mapping[str, Any],
    ) -> ReadableSpan:
        return ReadableSpan(
            name=name,
            context=context or self._child_context(),
            parent=parent,
            resource=self._resource,
            attributes=attributes,
            links=links,
            start_time=self._at(start_s),
            end_time=self._at(end_s),
            instrumentation_scope=SCOPE,
        )

    def _child_context(self) -> SpanContext:
        trace_id = self._context.trace_id
        return SpanContext(trace_id, randbits(64), is_remote=False, trace_flags=SAMPLED)

    def _at(self, seconds: float) -> int:
        return self._epoch_ns + round(seconds * NS)


def _context(origin: Origin, state: str = "") -> SpanContext:
    return SpanContext(
        int(origin.trace_id, 16),
        int(origin.span_id, 16),
        is_remote=False,
        trace_flags=SAMPLED,
        trace_state=TraceState.from_header([state]) if state else None,
    )


def _attributes(exchange: Exchange) -> dict[str, Any]:
    is_known = exchange.method in METHODS
    facts: dict[str, Any] = {
        "http.request.method": exchange.method if is_known else "_OTHER",
        "url.path": exchange.path,
        "http.response.status_code": exchange.status,
        "http.request.body.size": exchange.bytes_in,
        "http.response.body.size": exchange.bytes_out,
        "client.address": exchange.client_ip,
        "user_agent.original": exchange.user_agent,
        "weir.request_id": exchange.request_id,
    }
    if not is_known:
        facts["http.request.method_original"] = exchange.method
    if exchange.route != UNMATCHED:
        facts["http.route"] = exchange.route
    if exchange.status >= 500:
        facts["error.type"] = exchange.reason or str(exchange.status)
    ours: dict[str, Any] = {"reason": exchange.reason, "cut": exchange.cut}
    ours = {name: value for name, value in ours.items() if value}
    ours |= exchange.prediction
    exchange.stages.tell(ours)
    return facts | {f"weir.{name}": value for name, value in ours.items()}
