"""In which order a campaign measures: rounds of boots, shuffled, with anchors that show drift."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from load.sweep.targets import Target

# With fewer numbers of workers than this a round is over before the machine can drift.
ANCHORED_FROM = 3


@dataclass(frozen=True)
class Boot:
    """One start of a server, for one window of each of its loads; an anchor has the closed one."""

    target: Target
    workers: int
    round: int
    anchor: bool


def boots(plan: Mapping[Target, tuple[int, ...]], rounds: int, seed: int) -> list[Boot]:
    """Every boot of a campaign that measures each target with each of its numbers of workers."""
    order = random.Random(seed)  # noqa: S311  # not for secrets
    return [
        boot
        for turn in range(rounds)
        for target, counts in plan.items()
        for boot in _block(target, counts, turn, order)
    ]


def _block(
    target: Target, counts: tuple[int, ...], turn: int, order: random.Random
) -> Iterator[Boot]:
    """The smallest first, then the others shuffled with the smallest again amid and after them."""
    smallest, *others = sorted(set(counts))
    order.shuffle(others)
    yield Boot(target, smallest, turn, anchor=False)
    half = (len(others) + 1) // 2
    for part in (others[:half], others[half:]):
        yield from (Boot(target, workers, turn, anchor=False) for workers in part)
        if len(others) + 1 >= ANCHORED_FROM:
            yield Boot(target, smallest, turn, anchor=True)
