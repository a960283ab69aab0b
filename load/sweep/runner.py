"""A campaign: boots in their order, and the windows of each."""

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import floor, log10

from load.campaign import Arrivals, Point, Regime, Verdict, Window
from load.generator.traffic import Generator
from load.rig.machine import cores
from load.rig.server import Instance, Setup
from load.sweep import verdicts
from load.sweep.measurement import Bench, Timing
from load.sweep.progress import Bar
from load.sweep.record import Record
from load.sweep.schedule import Boot
from load.sweep.targets import Target


class NothingServed(RuntimeError):
    """The first window only failed, so there is nothing to compare with."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What holds for the whole campaign."""

    timing: Timing
    dealt: bool = True  # connections evenly over the workers
    limit_s: float = 3600.0
    seed: int = 1


@dataclass
class Runner:
    """Measures into *record*, with the generator that it is given."""

    options: Options
    record: Record
    generator: Generator
    _capacities_rps: dict[Target, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._server_cores, _ = cores()
        self._order = random.Random(self.options.seed)  # noqa: S311  # not for secrets
        self._seeds = itertools.count(self.options.seed)

    def run(self, boots: Sequence[Boot], bar: Bar) -> bool:
        """Measure *boots*; False if the limit of time came first. Raises ServerFailed."""
        for number, boot in enumerate(boots):
            if self.record.age_s > self.options.limit_s:
                return False
            bar.begin(boot)
            for window in self._measure(boot, number):
                self.record.add(window)
                bar.measured(window)
        bar.end()
        return True

    def _measure(self, boot: Boot, number: int) -> Iterator[Window]:
        setup = Setup(
            app=boot.target.app,
            workers=boot.workers,
            cores=self._server_cores,
            variables=boot.target.variables,
        )
        with Instance(setup) as instance:
            bench = Bench(instance, self.generator, self._server_cores)
            for point in self._points(boot):
                window = self._window(bench, boot, number, point)
                self._learn(boot.target, window)
                yield window

    def _window(self, bench: Bench, boot: Boot, number: int, point: Point) -> Window:
        options = self.options
        started_at_s = self.record.age_s
        client, server = bench.measure(
            boot.target, point, options.timing, next(self._seeds), dealt=options.dealt
        )
        return verdicts.judged(
            Window(
                point=point,
                round=boot.round,
                boot=number,
                anchor=boot.anchor,
                started_at_s=round(started_at_s, 3),
                duration_s=options.timing.window_s,
                client=client,
                server=server,
                verdict=Verdict.VALID,
            )
        )

    def _points(self, boot: Boot) -> Iterator[Point]:
        """The closed point and the open ones, in random order once the capacity is known."""
        closed = boot.target.closed(boot.workers)
        if boot.anchor:
            yield closed
            return
        loads: list[float | None] = [None, *boot.target.open_shares]
        if boot.target in self._capacities_rps:
            self._order.shuffle(loads)
        for share in loads:
            yield closed if share is None else self._open(boot, share)

    def _open(self, boot: Boot, share: float) -> Point:
        """A share of what so many workers can serve at most, as the first window told."""
        most = boot.workers
        if boot.target.regime is not Regime.WAIT:  # what computes needs a core each
            most = min(most, len(self._server_cores))
        offered_rps = share * most * self._capacities_rps[boot.target]
        return boot.target.open(boot.workers, _two_digits(offered_rps))

    def _learn(self, target: Target, window: Window) -> None:
        if target not in self._capacities_rps and window.point.arrivals is Arrivals.CLOSED:
            if window.client.answered <= sum(window.client.errors.values()):
                raise NothingServed(f"{target.path} only failed: {window.client.errors}")
            self._capacities_rps[target] = window.throughput_rps / window.point.workers


def _two_digits(value: float) -> float:
    return round(value, 1 - floor(log10(value)))
