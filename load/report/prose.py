"""
What the report's page says around its chapters, once for both of its forms.

A text may hold `code` and **what matters**, as Markdown has them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from load.campaign import Campaign, Verdict
from load.plan.words import measurement, obstacle, why_workers
from load.report.advice import RUNNING, Advice, Row

DYNO_COLUMNS = (
    f"{RUNNING} dynos of",
    "workers in each",
    "requests a second one holds",
    f"held by {RUNNING - 1}, one away",
    "a month",
    "spin ratio",
)
POINT_COLUMNS = (
    "load",
    "valid windows",
    "throughput, 1/s",
    "goodput, 1/s",
    "CPU, ms each",
)
UNUSED_COLUMNS = ("window", "round", "verdict", "because")
POINTS = (
    "Medians of the valid windows. Throughput: answers a second. Goodput: those of them that were "
    "right and came within the limit (SLO). Clients: each sends its next request when the last is "
    "answered. A rate: requests come at random moments, so many a second."
)
UNUSED = (
    "A window is refused when something shows that its figures are not what they seem. Steal: time "
    "in which the machine's owner gave the core to somebody else. Lag: how late the generator, the "
    "program that sends the requests, sent them. Little's law: requests in flight must equal their "
    "rate times how long they take, or something was miscounted."
)
NONE_UNUSED = "Every window was valid."
MACHINE = "Another machine gives other figures; compare only what was measured alike."


@dataclass(frozen=True)
class Prose:
    """The page's texts; those that say why, and the tables, are empty where there is no advice."""

    verdict: tuple[str, ...]
    counted: str
    why: tuple[str, ...]
    dynos: tuple[tuple[str, ...], ...]
    impossible: tuple[str, ...]
    machine: tuple[tuple[str, str], ...]


def of_campaign(campaign: Campaign, advice: Advice, results: str) -> Prose:
    """Put *campaign*, read from the file *results*, into words."""
    best = advice.best
    return Prose(
        verdict=_held(advice, best, results) if best else (_nothing(advice),),
        counted=_counted(campaign),
        why=tuple(_why(campaign, advice, best)) if best else (),
        dynos=tuple(map(_dyno, advice.rows)),
        impossible=tuple(f"{text}." for text in _impossible(advice)) if best else (),
        machine=_machine(campaign),
    )


def _held(advice: Advice, best: Row, results: str) -> tuple[str, str]:
    target = advice.demand.target if advice.demand else ""
    return (
        (
            f"**{RUNNING} dynos of {best.dyno.name} hold {best.rps:,.0f} requests a second** of "
            f"{target}, with 99 of 100 answered within {advice.slo_ms:g} ms, even while one of "
            f"them is away (95 % interval, from the differences between rounds: "
            f"{best.low_rps:,.0f} to {best.high_rps:,.0f}). They cost "
            f"${best.usd_a_month:,.0f} a month. A dyno is what "
            "Heroku rents out: a container with some memory and some CPU. A worker is one process "
            "in it that answers requests; WEB_CONCURRENCY says how many there are."
        ),
        (
            f"For another load, ask: `python -m load plan {results} --target {target} --rps 800 "
            f"--p99 {advice.slo_ms:g}ms`"
        ),
    )


def _nothing(advice: Advice) -> str:
    if advice.demand:
        why = "no dyno answers in time: " + "; ".join(_impossible(advice))
    else:
        none = "no model was measured, and only a model's requests are yours"
        why = "; ".join(advice.unmeasured) or none
    return f"**Nothing yet.** This campaign cannot tell: {why}."


def _impossible(advice: Advice) -> list[str]:
    return [f"{each.dyno.name}: {obstacle(each)}" for each in advice.impossible]


def _counted(campaign: Campaign) -> str:
    verdicts = Counter(window.verdict for window in campaign.windows)
    rounds = len({window.round for window in campaign.windows})
    return (
        f"Of {len(campaign.windows)} windows (measurements of some seconds each) in {rounds} "
        "rounds (a round measures every point once), "
        f"**valid: {verdicts[Verdict.VALID]}**; lower bounds (the program that sends the requests "
        "was the limit, so the server can do at least as much): "
        f"{verdicts[Verdict.LOWER_BOUND]}; refused: {verdicts[Verdict.REFUSED]}. Only valid ones "
        "are used; the others are listed with their reasons below."
    )


def _why(campaign: Campaign, advice: Advice, best: Row) -> Sequence[str]:
    demand = advice.demand
    if demand is None:
        return ()
    texts = [
        (f"{best.workers.count} workers a dyno: {why_workers(best.workers, best.dyno, demand)}."),
        (
            f"One dyno holds {best.holding.rps:.0f} requests a second. That comes from an event "
            "simulation: it draws the service times that were measured and lets them queue, with "
            "requests sent to a dyno at random, as Heroku's router does, so that one dyno can have "
            "a queue while the next idles."
        ),
        (
            f"{RUNNING - 1} dynos carry the load and one is spare, since every deploy and every "
            "day's restart takes one away."
        ),
        *measurement(campaign, demand),
    ]
    if best.dyno.shared:
        texts.append(
            f"**Assumed, not measured:** neighbours share the CPU of {best.dyno.name}, and Python "
            f"is taken to need {best.dyno.spin_ratio:g} times as long there as on the machine that "
            "was measured (the spin ratio). The plan above says how to measure it, and takes yours "
            "by `--spin-ratio`."
        )
    return texts


def _dyno(row: Row) -> tuple[str, ...]:
    return (
        row.dyno.name,
        str(row.workers.count),
        f"{row.holding.rps:,.0f}",
        f"{row.rps:,.0f}",
        f"${row.usd_a_month:,.0f}",
        f"{row.dyno.spin_ratio:g}",
    )


def _machine(campaign: Campaign) -> tuple[tuple[str, str], ...]:
    machine = campaign.machine
    return (
        ("processor", f"{machine.cpu}, {machine.cores} cores"),
        ("memory", f"{machine.memory_bytes / 2**30:.1f} GiB"),
        ("system", f"Linux {machine.kernel}"),
        ("server ran on cores", ", ".join(map(str, machine.server_cores)) or "any"),
        ("generator ran on cores", ", ".join(map(str, machine.generator_cores)) or "any"),
        ("Python", machine.python),
        *sorted(machine.versions.items(), key=lambda each: each[0].lower()),
        ("commit", machine.commit),
        ("began", f"{campaign.started_at}, lasted {campaign.duration_s / 60:.0f} minutes"),
        ("seed of all randomness", str(campaign.seed)),
    )
