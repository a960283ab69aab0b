"""
Where the time of a request goes: stages that follow one another without a gap.

Their sum is the time from the request's first byte to the last of its answer, whatever the end:
what is under way when a request ends is the stage that it ended in.
"""

from functools import lru_cache
from time import perf_counter

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
    The stage that a request is in, and the seconds that each has taken so far.

    All times are by `time.perf_counter`; *whole_at* is when the request was there, body and all.
    """

    __slots__ = ("_mark", "_stage", "spent_s", "started", "whole_at")

    def __init__(self, started: float) -> None:
        self.started = self._mark = started
        self.whole_at: float | None = None
        self._stage = "head"
        self.spent_s: dict[str, float] = {}

    @classmethod
    def of_whole(cls) -> "Stages":
        """Those of a request that another server has read."""
        stages = cls(perf_counter())
        stages.read()
        return stages

    def enter(self, stage: str) -> None:
        """End the stage under way and begin *stage*."""
        now, ended, spent_s = perf_counter(), self._stage, self.spent_s
        spent_s[ended] = spent_s.get(ended, 0.0) + now - self._mark
        self._mark, self._stage = now, stage

    def read(self) -> None:
        """The request is whole."""
        self.enter("decode")
        self.whole_at = self._mark

    def reckon(self, stage: str, seconds: float, source: str) -> None:
        """Count *seconds* of the *source* that has ended, as far as that has them, as *stage*."""
        had_s = self.spent_s.get(source, 0.0)
        moved_s = min(max(0.0, seconds), had_s)
        self.spent_s[source] = had_s - moved_s
        self.spent_s[stage] = self.spent_s.get(stage, 0.0) + moved_s

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
        spent_s = self.spent_s
        form, stages = _timing(tuple(spent_s))
        return form % (*[spent_s[stage] * 1000 for stage in stages], self.total_s * 1000)

    def facts(self) -> dict[str, float]:
        """What a line of the log tells: the stages that there were, in milliseconds."""
        facts = {
            MS[stage]: milliseconds(seconds) for stage, seconds in self.spent_s.items() if seconds
        }
        facts["total_ms"] = milliseconds(self.total_s)
        return facts


def milliseconds(seconds: float) -> float:
    """*seconds* in milliseconds, to the microsecond; `round` takes five times as long."""
    return int(seconds * 1_000_000 + 0.5) / 1000


@lru_cache(maxsize=64)
def _timing(entered: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """How the figures of the stages *entered* are written, the others being 0; and their order."""
    told = tuple(stage for stage in TIMED if stage in entered)
    parts = [f"{stage};dur={'%.3f' if stage in told else '0.000'}" for stage in TIMED]
    return ", ".join([*parts, "total;dur=%.3f"]), told
