"""
The trace that a request belongs to, by its fields `traceparent` and `tracestate`.

https://www.w3.org/TR/trace-context/ (level 1). What is not well-formed is as if it had not been
sent, as section 4.3 wants it: the request begins a trace of its own.
"""

import re
from typing import NamedTuple

TRACEPARENT = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?"
)
SAMPLED = 0x01

# Section 3.3.1: at most so many members; what exceeds the length that section 3.3.1.5 wants carried
# may be left out whole.
MEMBERS, STATE_CHARS = 32, 512
MEMBER = re.compile(
    r"(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})"
    r"=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
)


class Parent(NamedTuple):
    """The caller's span, whether it is sampled, and what tracing systems have added."""

    trace_id: str
    span_id: str
    is_sampled: bool
    state: str


def parent_of(traceparent: str, tracestate: str = "") -> Parent | None:
    """The caller's span; None where there is none that can be read."""
    found = TRACEPARENT.fullmatch(traceparent.strip(" \t"))
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == "00" and more:  # only later versions may have more to say
        return None
    return Parent(trace_id, span_id, bool(int(flags, 16) & SAMPLED), state_of(tracestate))


def state_of(tracestate: str) -> str:
    """*tracestate* as it is passed on; nothing if it is not well-formed."""
    members = [member.strip(" \t") for member in tracestate.split(",")]
    members = [member for member in members if member]
    keys = {member.partition("=")[0] for member in members}
    is_sound = len(keys) == len(members) <= MEMBERS and all(map(MEMBER.fullmatch, members))
    state = ",".join(members)
    return state if is_sound and len(state) <= STATE_CHARS else ""
