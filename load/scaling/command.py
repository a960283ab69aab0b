"""
The scaling law of a campaign as text: `python -m load fit RESULTS`.

Exit codes: 0 every law stands; 2 a wrong argument; 4 a law was refused, or there is none to fit.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from load.arguments import Exit
from load.campaign import Arrivals, Campaign, Regime, UnreadableResults, Verdict, Window, read
from load.scaling import Fit, LawFit, Sample, TooFewSamples, fit


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fit`."""
    parser.add_argument("results", type=Path, help="the results.json that a sweep wrote")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap (0)")


def run(args: argparse.Namespace) -> int:
    """Print the law of every path of the wait regime; return the exit code."""
    try:
        campaign = read(args.results)
    except UnreadableResults as error:
        sys.stderr.write(f"{error}\n")
        return Exit.USAGE
    targets = dict.fromkeys(
        each.point.target for each in campaign.windows if each.point.regime is Regime.WAIT
    )
    if not targets:
        sys.stderr.write(
            f"{args.results} has no window of the wait regime; in the others the cores run out "
            "before the workers, so no law of workers can be seen.\n"
        )
        return Exit.UNKNOWN
    return max(_tell(campaign, target, args.seed) for target in targets)


def _tell(campaign: Campaign, target: str, seed: int) -> int:
    windows = [
        each
        for each in campaign.windows
        if each.point.regime is Regime.WAIT
        and each.point.target == target
        and each.point.arrivals is Arrivals.CLOSED
    ]
    valid = [each for each in windows if each.verdict is Verdict.VALID]
    sys.stdout.write(f"{target}: {len(valid)} of {len(windows)} windows are valid\n\n")
    try:
        found = fit(samples(valid), seed=seed)
    except TooFewSamples as error:
        sys.stdout.write(f"  REFUSED: {error}.\n\n")
        return Exit.UNKNOWN
    sys.stdout.write("".join(f"  {sentence}\n" for sentence in found.sentences))
    sys.stdout.write(f"\n{_laws(found)}\n{_textbook(found)}\n\n")
    return Exit.UNKNOWN if found.refused else Exit.OK


def samples(valid: Sequence[Window]) -> list[Sample]:
    """What the law is fitted to: the throughput of closed arrivals."""
    return [
        Sample(workers=each.point.workers, throughput_rps=each.throughput_rps, round=each.round)
        for each in valid
    ]


def _laws(found: Fit) -> str:
    lines = [f"  {'law':<8}{'weight':>8}  parameters with their 95 % intervals"]
    lines += [f"  {law.law:<8}{law.weight:>8.1%}  {_parameters(law)}" for law in found.laws]
    return "\n".join(lines)


def _parameters(law: LawFit) -> str:
    return ", ".join(
        f"{each.name} {each.value:.4g} ({each.low:.4g} to {each.high:.4g})"
        for each in law.parameters
    )


def _textbook(found: Fit) -> str:
    figures = found.textbook
    return (
        "  By plain least squares, as textbooks and other tools do, the USL has lambda "
        f"{figures.lambda_rps:.4g}, sigma {figures.sigma:.4f}, kappa {figures.kappa:.3g}."
    )
