"""The windows of a campaign, put together by what they have in common."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from math import inf
from typing import TypeVar

from load.campaign import Point, Window

Key = TypeVar("Key", bound=Hashable)


def grouped(windows: Iterable[Window], key: Callable[[Window], Key]) -> dict[Key, list[Window]]:
    """By *key*, in the order in which each came first."""
    found: dict[Key, list[Window]] = defaultdict(list)
    for window in windows:
        found[key(window)].append(window)
    return dict(found)


def by_workers(windows: Iterable[Window]) -> dict[int, list[Window]]:
    """By number of workers, rising."""
    return dict(sorted(grouped(windows, lambda window: window.point.workers).items()))


def by_round(windows: Iterable[Window]) -> dict[int, list[Window]]:
    """By round, in the order of rounds."""
    return dict(sorted(grouped(windows, lambda window: window.round).items()))


def by_point(windows: Iterable[Window]) -> dict[Point, list[Window]]:
    """By point: fewest workers first, then the lowest rate."""
    found = grouped(windows, lambda window: window.point)
    return dict(
        sorted(found.items(), key=lambda item: (item[0].workers, item[0].offered_rps or inf))
    )
