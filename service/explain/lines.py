"""The lines of a log, as far as they tell of requests and of what workers did."""

import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from service.stages import STAGES

# Of a longer log the last lines count: some minutes at full speed, 400 MB of memory.
MOST_LINES = 200_000

REQUEST = "http_request"


@dataclass(frozen=True, slots=True)
class Event:
    """One line: when what it tells of began and ended, in seconds since 1970."""

    began_s: float
    ended_s: float
    facts: dict[str, Any]

    @property
    def name(self) -> str:
        """What it tells of."""
        return str(self.facts.get("event", ""))

    @property
    def is_request(self) -> bool:
        """Whether it is the line of a request."""
        return self.name == REQUEST

    @property
    def total_ms(self) -> float:
        """How long it lasted."""
        return (self.ended_s - self.began_s) * 1000

    def ms(self, name: str) -> float:
        """A field in milliseconds, 0 where it is missing."""
        value = self.facts.get(f"{name}_ms", 0.0)
        return float(value) if isinstance(value, int | float) else 0.0

    def stages(self) -> dict[str, float]:
        """The stages of a request in their order, in milliseconds."""
        return {stage: self.ms(stage) for stage in STAGES if self.ms(stage)}

    def overlap_ms(self, other: "Event") -> float:
        """For how long both went on."""
        return max(0.0, min(self.ended_s, other.ended_s) - max(self.began_s, other.began_s)) * 1000

    def spans(self, at_s: float) -> bool:
        """Whether it went on at that time."""
        return self.began_s <= at_s <= self.ended_s


def read(lines: Iterable[str]) -> list[Event]:
    """Every line that can be read; platforms may put words of their own before the object."""
    kept: deque[str] = deque(lines, MOST_LINES)
    return list(_events(kept))


def _events(lines: Iterable[str]) -> Iterator[Event]:
    for line in lines:
        start = line.find("{")
        try:
            facts = json.loads(line[start:]) if start >= 0 else None
            if isinstance(facts, dict):
                yield event_of(facts)
        except (ValueError, KeyError, TypeError):
            continue  # somebody else's line, or half of one


def event_of(facts: dict[str, Any]) -> Event:
    """Find when it was. Raises ValueError, KeyError or TypeError for what is no line of ours."""
    ended_s = seconds(facts["timestamp"])
    lasted_ms = facts.get("total_ms", facts.get("blocked_ms", 0.0))
    return Event(ended_s - float(lasted_ms) / 1000, ended_s, facts)


def seconds(text: str) -> float:
    """A time in ISO 8601, in seconds since 1970; UTC where it names no zone. Raises ValueError."""
    when = datetime.fromisoformat(text)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
