"""Whom a line of the log is about: the request, or those of a batch, that are being worked on."""

from contextvars import ContextVar
from typing import Any, NamedTuple, Protocol

# Of a batch, so many requests are named in a line.
NAMED = 8


class Origin(Protocol):
    """A request by its identifiers: its own, and its trace's and its span's (W3C Trace Context)."""

    @property
    def request_id(self) -> str:
        """Its own."""

    @property
    def trace_id(self) -> str:
        """Its trace's."""

    @property
    def span_id(self) -> str:
        """Its span's."""


class Ids(NamedTuple):
    """Those identifiers alone; whoever keeps them keeps nothing else of the request."""

    request_id: str
    trace_id: str
    span_id: str


# Each greenlet has a context of its own; native threads are handed it (execution.native).
ABOUT: ContextVar[tuple[Origin, ...]] = ContextVar("about", default=())


def identifiers() -> dict[str, Any]:
    """The fields that tell it: of one request its ids, of a batch those of its requests."""
    origins = ABOUT.get()
    if len(origins) == 1:
        return {"request_id": origins[0].request_id, "trace_id": origins[0].trace_id}
    if not origins:
        return {}
    named = origins[:NAMED]
    return {
        "request_ids": [origin.request_id for origin in named],
        "trace_ids": [origin.trace_id for origin in named],
        "requests": len(origins),
    }
