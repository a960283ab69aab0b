"""
Where the time of a request goes: stages that follow one another without a gap.

Their sum is the time from the request's first byte to the last of its answer, whatever the end:
what is under way when a request ends is the stage that it ended in.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import itemgetter
from time import perf_counter
from typing import Any

# head and body: until they are read; queue: waiting for a thread, memory or a batch; decode:
# routing, parsing and validating; batch: in a batch, beside the model's own time; infer: that;
# encode: the answer's making; write: its way out.
STAGES = ("head", "body", "queue", "decode", "batch", "infer", "encode", "write")

# https://www.w3.org/TR/server-timing/. The answer's head leaves before it is known how long the
# writing takes.
TIMED = STAGES[:-1]

MS = {stage: f"{stage}_ms" for stage in STAGES}


class Stages:
    """
    The stage that a request is in, and the milliseconds that each has taken so far.

    All times are by `time.perf_counter`; *whole_at* is when the request was there, body and all.
    """

    __slots__ = ("_mark", "_stage", "spent_ms", "started", "whole_at")

    def __init__(self, started: float) -> None:
        self.started = self._mark = started
        self.whole_at: float | None = None
        self._stage = "head"
        self.spent_ms: dict[str, float] = {}

    @classmethod
    def of_whole(cls) -> "Stages":
        """Those of a request that another server has read."""
        stages = cls(perf_counter())
        stages.read()
        return stages

    def enter(self, stage: str) -> None:
        """End the stage under way and begin *stage*."""
        now, ended, spent_ms = perf_counter(), self._stage, self.spent_ms
        spent_ms[ended] = spent_ms.get(ended, 0.0) + (now - self._mark) * 1000
        self._mark, self._stage = now, stage

    def read(self) -> None:
        """The request is whole."""
        self.enter("decode")
        self.whole_at = self._mark

    def reckon(self, stage: str, seconds: float, source: str) -> None:
        """Count *seconds* of the *source* that has ended, as far as that has them, as *stage*."""
        had_ms = self.spent_ms.get(source, 0.0)
        moved_ms = min(max(0.0, seconds * 1000), had_ms)
        self.spent_ms[source] = had_ms - moved_ms
        self.spent_ms[stage] = self.spent_ms.get(stage, 0.0) + moved_ms

    @property
    def total_s(self) -> float:
        """From the first byte to the end of the last stage that has ended."""
        return self._mark - self.started

    @property
    def duration_s(self) -> float:
        """The same without what the client took to send the request."""
        return self._mark - (self.whole_at or self.started)

    def server_timing(self) -> str:
        """The field `Server-Timing`, in milliseconds."""
        form, figures_of = _timing(tuple(self.spent_ms))
        return form % (*figures_of(self.spent_ms), self.total_s * 1000)

    def tell(self, line: dict[str, Any]) -> None:
        """
        Add to a *line* of the log how long it all took, in milliseconds to the microsecond.

        By stage, as far as there were any; `total_ms`, their sum; and `duration_ms`, without what
        the client took to send the request.
        """
        line["duration_ms"] = milliseconds(self.duration_s)
        for stage, spent_ms in self.spent_ms.items():
            if spent_ms:
                line[MS[stage]] = int(spent_ms * 1000 + 0.5) / 1000
        line["total_ms"] = milliseconds(self.total_s)


def milliseconds(seconds: float) -> float:
    """*seconds* in milliseconds, to the microsecond; `round` takes five times as long."""
    return int(seconds * 1_000_000 + 0.5) / 1000


@lru_cache(maxsize=64)
def _timing(entered: tuple[str, ...]) -> tuple[str, Callable[[Mapping[str, float]], Any]]:
    """How the figures of the stages *entered* are written, the others being 0; and takes those."""
    told = [stage for stage in TIMED if stage in entered]
    parts = [f"{stage};dur={'%.3f' if stage in told else '0.000'}" for stage in TIMED]
    form = ", ".join([*parts, "total;dur=%.3f"])
    if len(told) > 1:
        return form, itemgetter(*told)
    return form, lambda spent_ms: [spent_ms[stage] for stage in told]
