"""
What changed between two campaigns: `python -m load compare BEFORE AFTER`.

Exit codes: 0 nothing is worse; 2 a wrong argument; 3 something is worse than the baseline allows;
4 refused, or too uncertain to tell.
"""

import argparse
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from math import log
from pathlib import Path

from load.arguments import Exit
from load.campaign import Campaign, Machine, UnreadableResults, read
from load.compare.difference import METRICS, Change, changes, path

BASELINE = Path(__file__).with_name("baseline.toml")
MEMORY_PLAY = 0.05  # two boots of a machine report slightly different sizes


class UnreadableBaseline(ValueError):
    """The baseline is no table of ratios."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `compare`."""
    parser.add_argument("before", type=Path, help="the results.json of a sweep")
    parser.add_argument("after", type=Path, help="that of a later one")
    parser.add_argument("--anyway", action="store_true", help="even if the machines differ")
    parser.add_argument(
        "--baseline", type=Path, default=BASELINE, help="the ratios allowed (load/baseline.toml)"
    )


def run(args: argparse.Namespace) -> int:
    """Print what changed; return the exit code."""
    try:
        before, after = read(args.before), read(args.after)
        allowed = limits(args.baseline)
    except (UnreadableResults, UnreadableBaseline) as error:
        sys.stderr.write(f"{error}\n")
        return Exit.USAGE
    differences = tuple(_other_machine(before.machine, after.machine))
    if differences and not args.anyway:
        sys.stderr.write(
            f"REFUSED: not the same machine: {'; '.join(differences)}. What differs may be the "
            "machine; --anyway compares nevertheless.\n"
        )
        return Exit.UNKNOWN
    sys.stdout.write("".join(f"Caution: {each}.\n" for each in differences))
    return _tell(before, after, allowed)


def limits(baseline: Path) -> dict[str, float]:
    """The worst ratio allowed of each metric, by name. Raises UnreadableBaseline."""
    try:
        table = tomllib.loads(baseline.read_text())
        found = {**table["at_least"], **table["at_most"]}
        return {metric.name: float(found[metric.name]) for metric in METRICS}
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise UnreadableBaseline(f"{baseline}: no ratio for each metric: {error}") from error


def _other_machine(before: Machine, after: Machine) -> Iterator[str]:
    for field in ("cpu", "cores", "server_cores", "generator_cores"):
        old, new = getattr(before, field), getattr(after, field)
        if old != new:
            yield f"{field} was {old} and is {new}"
    if abs(log(after.memory_bytes / before.memory_bytes)) > MEMORY_PLAY:
        yield f"memory_bytes was {before.memory_bytes} and is {after.memory_bytes}"


def _tell(before: Campaign, after: Campaign, allowed: Mapping[str, float]) -> Exit:
    found = changes(before, after)
    codes = [Exit.OK]
    for change in found:
        code = _code(change, allowed[change.metric.name])
        if change.point is None or code == Exit.NO:
            sys.stdout.write(f"{_sentence(change, allowed[change.metric.name], code)}\n")
            codes.append(code)
    for missing in _missing(before, after, found):
        sys.stdout.write(f"INCONCLUSIVE: {missing} has too few valid rounds in common.\n")
        codes.append(Exit.UNKNOWN)
    return Exit.NO if Exit.NO in codes else max(codes)


def _missing(before: Campaign, after: Campaign, found: Sequence[Change]) -> list[str]:
    wanted = dict.fromkeys(path(each.point) for each in (*before.windows, *after.windows))
    compared = {change.path for change in found}
    return [each for each in wanted if each not in compared] or ([] if compared else ["everything"])


def _code(change: Change, allowed: float) -> Exit:
    """Worse and not worse are both to be proven; a single point may only prove the former."""
    low, high, limit = change.low, change.high, allowed
    if not change.metric.less_is_better:
        low, high, limit = 1 / high, 1 / low, 1 / limit
    if low > limit:
        return Exit.NO
    return Exit.OK if high <= limit else Exit.UNKNOWN


def _sentence(change: Change, allowed: float, code: Exit) -> str:
    where = "over all points"
    if change.point:
        workers = change.point.workers
        where = (
            f"with {workers} worker{'s' if workers > 1 else ''}, {change.point.arrivals} arrivals,"
        )
    span = f"95 % confidence: {_percent(change.low)} to {_percent(change.high)}"
    said = f"{change.path}: {change.metric.label} {where} {_what(change)} ({span}; {change.rounds} "
    said += "rounds)"
    if code == Exit.NO:
        return f"WORSE: {said}, beyond the {_percent(allowed)} that the baseline allows."
    if code == Exit.UNKNOWN:
        return f"INCONCLUSIVE: {said}: it may be beyond the {_percent(allowed)} allowed."
    return f"{said}."


def _what(change: Change) -> str:
    if change.low <= 1 <= change.high:
        return f"changed by {_percent(change.ratio)}, which chance explains"
    verb = "rose" if change.ratio > 1 else "fell"
    good = (change.ratio < 1) is change.metric.less_is_better
    return (
        f"{verb} by {100 * abs(change.ratio - 1):.1f} %, which is {'better' if good else 'worse'}"
    )


def _percent(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.1f} %"
