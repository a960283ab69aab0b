"""CPU time of a request: by how busy the server is, and how it wavers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from load.campaign import Window
from load.grouping import by_point, by_round, by_workers
from load.latencies import Floats

SECOND_MS = 1000.0
LEAST_SHARE = 0.1  # of a core, that is left to requests


@dataclass(frozen=True)
class Cost:
    """
    CPU time of a request at one number of workers.

    `at_ms` [n] is that of servers that keep `busy_cores` [n], rising, in use: one that is seldom
    asked finds its caches cold. `by_round_ms` [m] is that of the busiest, round by round.
    """

    busy_cores: Floats
    at_ms: Floats
    by_round_ms: Floats

    @classmethod
    def constant(cls, cpu_ms: float) -> Self:
        """One that is the same however much is asked."""
        return cls(np.ones(1), np.array([cpu_ms]), np.array([cpu_ms]))

    @property
    def seldom_ms(self) -> float:
        """Of a server that is as seldom asked as was measured."""
        return float(self.at_ms[0])

    @property
    def cpu_ms(self) -> float:
        """Of a server that has as much to do as it can."""
        return float(self.at_ms[-1])

    def at_rate(self, rps: float) -> float:
        """Of a server that is asked *rps* times a second, in ms."""
        rates_rps = np.maximum.accumulate(SECOND_MS * self.busy_cores / self.at_ms)
        return float(np.interp(rps, rates_rps, self.at_ms))

    def slower(self, ratio: float) -> "Cost":
        """On a core that takes *ratio* times as long."""
        return replace(self, at_ms=self.at_ms * ratio, by_round_ms=self.by_round_ms * ratio)


def costs_of(windows: Iterable[Window], cores: int) -> dict[int, Cost]:
    """What the windows say of a server on so many *cores*, by number of workers."""
    return {workers: _cost(mine, cores) for workers, mine in by_workers(windows).items()}


def wavering(windows: Iterable[Window], cores: int) -> Floats:
    """The CPU time of a request in each window [n], relative to all windows of the same point."""
    paces: list[float] = []
    for mine in by_point(windows).values():
        mean_ms = _cpu_ms(mine, cores)
        paces += [_cpu_ms([each], cores) / mean_ms for each in mine]
    return np.sort(paces)


def mixed_costs(shares: Floats, parts: Sequence[Cost]) -> Cost:
    """The cost of a request that is one of *parts* with its share, each as busy as the whole."""
    busy = np.unique(np.concatenate([part.busy_cores for part in parts]))
    at_ms = shares @ np.array([np.interp(busy, part.busy_cores, part.at_ms) for part in parts])
    return Cost(busy, at_ms, mixed_by_round(shares, [part.by_round_ms for part in parts]))


def mixed_by_round(shares: Floats, figures: Sequence[Floats]) -> Floats:
    """Rounds are in one order for all; one that lacks some shortens the others."""
    rounds = min(len(each) for each in figures)
    mix: Floats = shares @ np.array([each[:rounds] for each in figures])
    return mix


def _cost(windows: Iterable[Window], cores: int) -> Cost:
    points = sorted(by_point(windows).values(), key=lambda mine: _busy_cores(mine, cores))
    return Cost(
        np.array([_busy_cores(mine, cores) for mine in points]),
        np.array([_cpu_ms(mine, cores) for mine in points]),
        np.array([_cpu_ms(each, cores) for each in by_round(points[-1]).values()]),
    )


def _busy_cores(windows: Sequence[Window], cores: int) -> float:
    rate_rps = sum(each.throughput_rps for each in windows) / len(windows)
    return rate_rps * _cpu_ms(windows, cores) / SECOND_MS


def _cpu_ms(windows: Sequence[Window], cores: int) -> float:
    """All CPU time of the requests, with what others took of it, over all requests."""
    answered = sum(each.server.answered for each in windows)
    return sum(_occupied_ms(each, cores) for each in windows) / max(1, answered)


def _occupied_ms(window: Window, cores: int) -> float:
    """
    What the requests of *window* took of the cores.

    The hypervisor and the server's own chores, which it has without a request as well, have their
    share of every moment in which a request computes.
    """
    server = window.server
    chores_share = server.idle_cpu_ms / (SECOND_MS * window.duration_s * cores)
    left_share = max(LEAST_SHARE, 1 - server.steal_share - chores_share)
    return window.cpu_ms_per_request * server.answered / left_share
