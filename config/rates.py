"""How often somebody may ask: `600/minute`."""

import re
from typing import NamedTuple

WRITTEN = re.compile(r"([1-9][0-9]{0,8})/([1-9][0-9]{0,3})?(s|second|min|minute|h|hour)s?")
SECONDS = {"s": 1, "second": 1, "min": 60, "minute": 60, "h": 3600, "hour": 3600}
UNITS = (("h", 3600), ("min", 60), ("s", 1))
WANTED = "a number of requests and a time, such as 10/second, 600/minute or 100/10s, is wanted"


class InvalidRate(ValueError):
    """No rate; the message says what is wanted."""


class Rate(NamedTuple):
    """At most *requests* within any *window_s*."""

    requests: int
    window_s: int

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """Read a rate. Raises InvalidRate."""
        found = WRITTEN.fullmatch(text.strip())
        if not found:
            raise InvalidRate(WANTED)
        return cls(int(found[1]), int(found[2] or 1) * SECONDS[found[3]])

    def __str__(self) -> str:
        """As `parse` reads it."""
        unit, unit_s = next(each for each in UNITS if self.window_s % each[1] == 0)
        return f"{self.requests}/{self.window_s // unit_s}{unit}"
