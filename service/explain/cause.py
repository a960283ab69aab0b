"""What a request's time went into: one cause, with the figures that it is told from."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from service.explain.lines import Event

# What takes less than this of a request's time is not why it took that time.
SHARE = 0.5

# A call that takes so many times as long as one of a request alone is its companions' doing.
SLOWER = 2.0

# What began so long after a hub had stood still may have waited for it in the kernel.
AFTER_S = 0.1


# The kernel takes so many bytes of an answer at once, whoever reads them (tcp_wmem, tcp(7)).
BUFFERED_BYTES = 16 << 10


@dataclass(frozen=True)
class Cause:
    """Its name, and a sentence that says how it is known."""

    name: str
    told: str


STAGE_CAUSES = {
    "head": ("slow head", "the client took {ms} to send its head"),
    "body": (
        "slow body",
        "the client took {ms} to send its body{size}",
    ),
    "queue": ("queue", "it waited {ms} for a thread, for memory, or for its batch to begin"),
    "decode": ("decode", "routing, parsing and preparing its {bytes_in} bytes took {ms}"),
    "batch": ("batch", "in its batch {ms} passed beside the model's own time"),
    "infer": ("infer", "the model took {ms}"),
    "encode": ("encode", "making the answer of {bytes_out} bytes took {ms}"),
    "write": ("slow client", "the client took {ms} to take the answer of {bytes_out} bytes"),
}


def cause_of(request: Event, events: Sequence[Event]) -> Cause:
    """Say what *request*, one of *events*, has spent most of its time on."""
    stages = request.stages()
    if not stages:
        return Cause("unknown", "its line tells no stages")
    return (
        _hub(request, events)
        or _busy(request)
        or _restart(request)
        or _companions(request, events)
        or _starved(request)
        or _stage(request, max(stages, key=lambda stage: stages[stage]))
    )


def _stage(request: Event, stage: str) -> Cause:
    name, told = STAGE_CAUSES[stage]
    facts = {"bytes_in": 0, "bytes_out": 0} | request.facts
    facts["size"] = f" of {facts['bytes_in']} bytes" if facts["bytes_in"] else ", which is not all"
    return Cause(name, told.format(ms=duration(request.ms(stage)), **facts))


def _hub(request: Event, events: Sequence[Event]) -> Cause | None:
    """Whether the worker's hub stood still for most of the time, or until just before it."""
    for block in events:
        if block.name != "hub_blocked" or block.facts.get("pid") != request.facts.get("pid"):
            continue
        stack = block.facts.get("stack") or ["a place that is not known"]
        where = " ".join(str(stack[-2 if len(stack) > 1 else -1]).split())
        lost = f"the worker's hub stood still for {duration(block.total_ms)} at {where}"
        if request.overlap_ms(block) > SHARE * request.total_ms:
            return Cause("hub blocked", lost)
        before_s = request.began_s - block.ended_s
        if 0 <= before_s < AFTER_S and request.total_ms < block.total_ms:
            before = f"until {duration(before_s * 1000)} before it was read, and it may have waited"
            return Cause("hub blocked", f"{lost}, {before}")
    return None


def _busy(request: Event) -> Cause | None:
    """Whether the answer was there and waited for a worker that had too much to do."""
    if request.ms("hub") <= SHARE * request.total_ms:
        return None
    return Cause(
        "worker busy",
        f"for {duration(request.ms('hub'))} its answer was there, and waited for the worker's "
        "event loop, which was at work for others: more workers, or fewer requests for each, would "
        "help",
    )


def _restart(request: Event) -> Cause | None:
    restart_ms = request.ms("restart")
    if restart_ms <= SHARE * request.total_ms:
        return None
    model = request.facts.get("model", "the model")
    return Cause(
        "model process restarting",
        f"for {duration(restart_ms)} of its wait the process of {model} was being started anew",
    )


def _companions(request: Event, events: Sequence[Event]) -> Cause | None:
    """Whether the model took long for whoever shared the call."""
    facts = request.facts
    if facts.get("batch_requests", 1) < 2 or request.ms("infer") <= SHARE * request.total_ms:
        return None
    alone = [
        event.ms("infer")
        for event in events
        if event.is_request
        and event.facts.get("batch_requests") == 1
        and event.facts.get("model") == facts.get("model")
        and event.facts.get("rows") == facts.get("rows")
        and event.facts.get("outcome") == "answered"
    ]
    usual_ms = median(alone) if alone else 0.0
    if alone and request.ms("infer") < SLOWER * usual_ms:
        return None
    compared = f"; alone such a call takes {duration(usual_ms)}" if alone else ""
    return Cause(
        "batch",
        f"its call took {duration(request.ms('infer'))} for {facts['batch_rows']} rows of "
        f"{facts['batch_requests']} requests, of which {facts.get('rows', 1)} were its own"
        f"{compared}",
    )


def _starved(request: Event) -> Cause | None:
    """Whether sending took long what no client can keep waiting."""
    size_bytes = int(request.facts.get("bytes_out", 0))
    is_long = request.ms("write") > SHARE * request.total_ms
    if not is_long or "cut" in request.facts or size_bytes > BUFFERED_BYTES:
        return None
    return Cause(
        "no processor",
        f"sending {size_bytes} bytes, which the kernel takes at once, took "
        f"{duration(request.ms('write'))}: others had the processor",
    )


def duration(milliseconds: float) -> str:
    """A time as people say it."""
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.2f} s"
    return f"{milliseconds:.1f} ms" if milliseconds >= 1 else f"{milliseconds:.3f} ms"
