"""
From a campaign to the commands to type: `python -m load plan RESULTS --rps 800 --p99 200ms`.

Exit codes: 0 a plan; 2 a wrong argument; 3 the goal cannot be met; 4 too little was measured.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.progress import track

from load.arguments import Exit, number
from load.campaign import Campaign, Regime, UnreadableResults, read
from load.plan import autoscale, kubernetes, words
from load.plan.capacity import Goal, Infeasible, Offer, offer
from load.plan.demand import Demand, TooLittleMeasured, UnclearTarget, measured
from load.plan.dynos import ANY, Dyno, UnknownDyno, catalogue_date, named
from load.plan.mix import measured_mix
from load.plan.what_if import buildpack_case, spin_cases

UNITS_MS = {"ms": 1.0, "s": 1000.0}


@dataclass(frozen=True)
class _Asked:
    goal: Goal
    dynos: tuple[Dyno, ...]
    spin_ratios: Mapping[str, float]  # measured ones, by dyno
    seed: int


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `plan`."""
    parser.add_argument("results", type=Path, help="the results.json that a sweep wrote")
    parser.add_argument("--rps", type=_positive, required=True, help="requests a second, in all")
    parser.add_argument("--p99", type=_duration_ms, required=True, help="such as 200ms or 1.5s")
    parser.add_argument("--dyno", default=ANY, help=f"a dyno's name, or {ANY} (default)")
    parser.add_argument(
        "--regime", choices=[regime.value for regime in Regime], default=Regime.MODEL.value
    )
    traffic = parser.add_mutually_exclusive_group()
    traffic.add_argument("--target", help="plan for requests to this path alone")
    traffic.add_argument(
        "--mix",
        type=_weight,
        action="append",
        metavar="PATH=WEIGHT",
        help="plan for a mix of paths (default: the locustfile's weights)",
    )
    parser.add_argument(
        "--spin-ratio",
        type=_spin_ratio,
        action="append",
        default=[],
        metavar="[DYNO=]RATIO",
        help="how many times longer the same Python takes there than where it was measured",
    )
    parser.add_argument("--kubernetes", action="store_true", help="print the overlay and no more")
    parser.add_argument("--seed", type=int, default=1, help="of the simulation (1)")


def run(args: argparse.Namespace) -> int:
    """Print the plan; return the exit code."""
    try:
        campaign = read(args.results)
        asked = _asked(args)
        demand = _demand(campaign, args)
    except (UnreadableResults, UnknownDyno, UnclearTarget) as error:
        return _fail(error, Exit.USAGE)
    except TooLittleMeasured as error:
        return _fail(error, Exit.UNKNOWN)
    offers, refusals = _offers(demand, asked, asked.dynos)
    if not offers:
        _say_unmet(demand, asked, refusals)
        return Exit.NO
    if args.kubernetes:
        sys.stdout.write(_overlay(demand, asked, offers[0]))
    else:
        _say(campaign, demand, asked, offers, refusals)
    return Exit.OK


def _demand(campaign: Campaign, args: argparse.Namespace) -> Demand:
    regime = Regime(args.regime)
    if args.target:
        return measured(campaign, regime, args.target)
    return measured_mix(campaign, regime, dict(args.mix) if args.mix else None)


def _asked(args: argparse.Namespace) -> _Asked:
    dynos = named(args.dyno)
    ratios = {
        dyno.name: ratio
        for name, ratio in args.spin_ratio
        for dyno in (named(name) if name else dynos)
    }
    return _Asked(Goal(args.rps, args.p99), dynos, ratios, args.seed)


def _offers(
    demand: Demand, asked: _Asked, dynos: Sequence[Dyno]
) -> tuple[list[Offer], list[Infeasible]]:
    """What each dyno would take, cheapest first, and why others will not do."""
    offers, refusals = [], []
    for dyno in track(dynos, "Simulating", console=Console(stderr=True), transient=True):
        ratio = asked.spin_ratios.get(dyno.name)
        try:
            offers.append(offer(demand, asked.goal, dyno, spin_ratio=ratio, seed=asked.seed))
        except Infeasible as error:
            refusals.append(error)
    return sorted(offers, key=lambda each: each.usd_a_month), refusals


def _say(
    campaign: Campaign,
    demand: Demand,
    asked: _Asked,
    offers: Sequence[Offer],
    refusals: Sequence[Infeasible],
) -> None:
    best, goal = offers[0], asked.goal
    _print(f"To hold {goal.rps:g} requests a second with a p99 within {goal.p99_ms:g} ms (of 100")
    _print("requests, 99 are answered within it):\n")
    _print("\n".join(f"    {command}" for command in _commands(demand, asked, best)))
    _print(f"\n{words.price(best, demand)}\n")
    _print("Why\n" + words.bullets(_whys(campaign, demand, asked, best)))
    if len(offers) + len(refusals) > 1:
        others = [*map(words.line, offers), *map(words.refusal, refusals)]
        _print("All that were asked for\n" + words.bullets(others))
    _print("Measured\n" + words.bullets(words.measurement(campaign, demand)))
    _print(f"Prices and sizes are of {catalogue_date()}, from load/plan/dynos.toml.\n")
    _print(
        "The same for Kubernetes, with whole cores like those that were measured, as an overlay on"
    )
    _print("config/kubernetes:\n")
    _print(_overlay(demand, asked, best))


def _commands(demand: Demand, asked: _Asked, best: Offer) -> list[str]:
    commands = [*words.commands(best)]
    if not autoscale.obstacle(best):
        commands.append(autoscale.command(best, demand, asked.goal, asked.seed))
    return commands


def _whys(campaign: Campaign, demand: Demand, asked: _Asked, best: Offer) -> list[str]:
    texts = words.reasons(best, demand, asked.goal)
    if best.dyno.shared and best.dyno.name not in asked.spin_ratios:
        spin_ms = median(window.server.spin_ms for window in campaign.windows)
        cases = spin_cases(best, demand, asked.goal, asked.seed)
        texts += words.spin_what_if(best, cases, spin_ms=spin_ms)
    case = buildpack_case(best, demand, asked.goal, asked.seed)
    obstacle = autoscale.obstacle(best)
    scaling = [f"No ps:autoscale:enable: {obstacle}."] if obstacle else [words.AUTOSCALING]
    return [*texts, words.buildpack_what_if(best, case), *scaling]


def _overlay(demand: Demand, asked: _Asked, best: Offer) -> str:
    try:
        plan = offer(demand, asked.goal, kubernetes.pod(best.dyno), seed=asked.seed)
    except Infeasible as error:
        return f"# {words.refusal(error)}\n"
    return kubernetes.overlay(plan, demand, asked.goal.rps)


def _say_unmet(demand: Demand, asked: _Asked, refusals: Sequence[Infeasible]) -> None:
    goal = asked.goal
    _print(f"{goal.rps:g} requests a second with a p99 within {goal.p99_ms:g} ms: not possible.\n")
    _print(words.bullets([words.refusal(each) for each in refusals]))
    tried = {each.dyno.name for each in refusals}
    rest = [dyno for dyno in named(ANY) if dyno.name not in tried]
    offers, more = _offers(demand, asked, rest)
    nearest = [words.line(offers[0])] if offers else _nearest(goal, [*refusals, *more])
    if nearest:
        _print("What comes nearest\n" + words.bullets(nearest))


def _nearest(goal: Goal, refusals: Iterable[Infeasible]) -> list[str]:
    """Of the goals that can be met, the one that gives up least."""
    possible = [(each.nearest, each.dyno.name) for each in refusals if each.nearest]
    if not possible:
        return []
    near, name = min(
        possible, key=lambda each: (each[0].rps < goal.rps, each[0].p99_ms, -each[0].rps)
    )
    return [f"--rps {near.rps:g} --p99 {near.p99_ms:g}ms --dyno {name}"]


def _fail(error: Exception, code: int) -> int:
    sys.stderr.write(f"plan: {error}\n")
    return code


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _positive(text: str) -> float:
    try:
        return number(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"{text}: a number above 0 is wanted") from None


def _duration_ms(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s)", text.strip())
    if not found or not float(found[1]):
        raise argparse.ArgumentTypeError(f"{text}: a time with its unit is wanted, such as 200ms")
    return float(found[1]) * UNITS_MS[found[2]]


def _weight(text: str) -> tuple[str, float]:
    path, equals, weight = text.rpartition("=")
    if not equals or not path.startswith("/"):
        raise argparse.ArgumentTypeError(f"{text}: PATH=WEIGHT is wanted, such as /=3")
    return path, _positive(weight)


def _spin_ratio(text: str) -> tuple[str, float]:
    name, _, ratio = text.rpartition("=")
    return name, _positive(ratio)
