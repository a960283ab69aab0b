"""What is told of a request, or of a moment, on a terminal."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from service.explain.cause import cause_of, duration
from service.explain.lines import Event
from service.log_text import harmless

BAR_CHARS = 40

# Of what went on meanwhile so much is told.
TOLD = 5


def told_of_request(request: Event, events: Sequence[Event]) -> Iterator[str]:
    """Its stages as bars, what it waited for, who shared its batch, what else its worker did."""
    facts = request.facts
    yield f"{_title(request)}  {facts.get('status')}  in {duration(request.total_ms)}"
    yield f"  {_clock(request.began_s)} to {_clock(request.ended_s)} UTC, worker {facts.get('pid')}"
    if "router_ms" in facts:
        yield f"  the router had had it for {duration(float(facts['router_ms']))} when it ended"
    yield ""
    yield from _bars(request)
    cause = cause_of(request, events)
    yield ""
    yield f"  cause: {cause.name}: {cause.told}"
    for name in ("reason", "cut", "outcome"):
        if facts.get(name):
            yield f"  {name}: {harmless(str(facts[name]))}"
    if facts.get("batch_requests"):
        others = facts["batch_requests"] - 1
        yield f"  batch: {others} other requests shared its call, {facts['batch_rows']} rows in all"
    yield from _meanwhile(request, events)


def told_of_time(at_s: float, events: Sequence[Event]) -> Iterator[str]:
    """The requests that were in flight then, the longest first."""
    found = [event for event in events if event.is_request and event.spans(at_s)]
    found.sort(key=lambda event: event.began_s)
    yield f"{len(found)} requests were in flight at {_clock(at_s)} UTC"
    for event in found:
        since = duration((at_s - event.began_s) * 1000)
        left = duration((event.ended_s - at_s) * 1000)
        yield f"  {_title(event)}  {event.facts.get('status')}  since {since}, {left} to go"
    for event in events:
        if not event.is_request and event.spans(at_s) and event.total_ms:
            yield f"  {_other(event)}"


def _bars(request: Event) -> Iterator[str]:
    total_ms = sum(request.stages().values())
    for stage, spent_ms in request.stages().items():
        bar = "█" * round(BAR_CHARS * spent_ms / total_ms) if total_ms else ""
        yield f"  {stage:<7}{duration(spent_ms):>11}  {bar}".rstrip()


def _meanwhile(request: Event, events: Sequence[Event]) -> Iterator[str]:
    """What else its worker did, and whatever befell the model or a worker."""
    pid = request.facts.get("pid")
    beside = [
        event
        for event in events
        if event is not request
        and event.is_request
        and event.facts.get("pid") == pid
        and event.overlap_ms(request) > 0
    ]
    beside.sort(key=lambda event: -event.overlap_ms(request))
    yield f"  meanwhile its worker had {len(beside)} other requests in flight"
    for event in beside[:TOLD]:
        overlap = duration(event.overlap_ms(request))
        yield f"    {_title(event)}  {overlap} of {duration(event.total_ms)} together with it"
    for event in events:
        if not event.is_request and event.name and _concerns(event, request):
            yield f"    {_other(event)}"


def _concerns(event: Event, request: Event) -> bool:
    is_meanwhile = event.ended_s >= request.began_s and event.began_s <= request.ended_s
    is_its_own = event.facts.get("request_id") == request.facts.get("request_id")
    same = event.facts.get("pid") == request.facts.get("pid")
    of_model = "model" in event.facts and event.facts["model"] == request.facts.get("model")
    return is_its_own or (is_meanwhile and (same or of_model) and "request_id" not in event.facts)


def _title(request: Event) -> str:
    facts = request.facts
    words = (facts.get("request_id"), facts.get("method"), facts.get("path"))
    return " ".join(harmless(str(word)) for word in words if word)


def _other(event: Event) -> str:
    """A line that is no request's: when, what, and its facts, without what all lines have."""
    common = {"timestamp", "event", "pid", "level", "stack", "request_id", "trace_id"}
    facts = " ".join(f"{name}={value}" for name, value in event.facts.items() if name not in common)
    return harmless(f"{_clock(event.ended_s)}  {event.name}  {facts}"[:160])


def _clock(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
