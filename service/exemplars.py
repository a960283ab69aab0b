"""
The slowest recent request of each bucket of the durations, by its trace: OpenMetrics' exemplars.

prometheus-client has none over several processes. Each worker keeps its own, which are few, and
writes them into a file beside its metrics; a scrape reads all workers' and takes the slowest.
"""

import os
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from time import time
from typing import Any, NamedTuple, TypeAlias

import orjson

from service.whole_files import write_whole

# A slower one is forgotten for a newer one after so long; what is older is not told.
RECENT_S, TOLD_S = 60.0, 600.0

PATTERN = "exemplars_*.json"


class Slowest(NamedTuple):
    """A request: what it took, when it ended (seconds since 1970), and its trace."""

    seconds: float
    at_s: float
    trace_id: str


# Method and route, and with the number of the bucket.
Kind: TypeAlias = tuple[str, str]
Kept: TypeAlias = dict[tuple[str, str, int], Slowest]


class Exemplars:
    """One worker's, of a histogram with the buckets *limits_s*."""

    def __init__(self, limits_s: Sequence[float]) -> None:
        self._limits_s = limits_s
        self._kept: Kept = {}
        # What a request must take to be kept, by kind and bucket.
        self._beaten_s: dict[Kind, list[float]] = defaultdict(lambda: [0.0] * (len(limits_s) + 1))
        self._is_news = False

    def note(self, kind: Kind, seconds: float, trace_id: str) -> None:
        """Keep the request if it is the slowest of its bucket for now."""
        bucket, beaten_s = bisect_left(self._limits_s, seconds), self._beaten_s[kind]
        if seconds >= beaten_s[bucket]:
            beaten_s[bucket] = seconds
            self._kept[*kind, bucket] = Slowest(seconds, time(), trace_id)
            self._is_news = True

    def save(self, path: Path) -> None:
        """Write them for whoever is scraped, if there is anything new; called every second."""
        old_s = time() - RECENT_S
        for (*kind, bucket), slowest in self._kept.items():
            if slowest.at_s < old_s:
                self._beaten_s[kind[0], kind[1]][bucket] = 0.0
        if not self._is_news:
            return
        self._is_news = False
        rows = [[*key, *slowest] for key, slowest in self._kept.items()]
        with suppress(OSError):  # a full disk costs exemplars
            write_whole(path, orjson.dumps(rows))


def of_all(folder: Path) -> Kept:
    """The slowest of all workers."""
    oldest_s = time() - TOLD_S
    slowest: Kept = {}
    for method, route, bucket, *rest in _rows(folder):
        key, one = (method, route, bucket), Slowest(*rest)
        if one.at_s >= oldest_s and (key not in slowest or one.seconds > slowest[key].seconds):
            slowest[key] = one
    return slowest


def _rows(folder: Path) -> Iterator[Any]:
    for path in folder.glob(PATTERN):
        with suppress(OSError, ValueError):
            yield from orjson.loads(path.read_bytes())


def path_of(worker: int) -> Path | None:
    """Where the worker in a slot keeps its own; None without a folder for metrics."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(folder, PATTERN.replace("*", str(worker))) if folder else None
