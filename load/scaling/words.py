"""The fit in plain English, for someone who runs services and has never fitted a law."""

from load.scaling.laws import Law
from load.scaling.outcome import Fit, Parameter

LAWS = {
    Law.LINEAR: "linear: every worker adds as much as the first",
    Law.AMDAHL: "Amdahl: a fixed share of each request can only be had by one worker at a time",
    Law.USL: "Universal Scalability Law: workers wait for something shared and also slow each "
    "other down in pairs",
    Law.QUEUE: "queue: workers line up for one thing that serves them in turn",
}
OTHERWISE = (
    "The next two read the same measurements as a Universal Scalability Law, which agrees with "
    "them less; they are for comparison only."
)
NOTICEABLE = 0.02  # a misfit below it misleads nobody


def number(value: float) -> str:
    """A throughput or a count, to four or more digits, thousands apart."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def percent(share: float) -> str:
    """A share, to two or three digits."""
    return f"{100 * share:.3g} %"


def impossible(sigma: float, kappa: float, chance: float) -> str:
    """Why measurements that need a negative cost are refused."""
    return (
        f"REFUSED: the measurements only fit sigma = {sigma:.4f} and kappa = {kappa:.4f} (chance "
        f"{chance:.1g} that noise alone did it); a negative cost would mean that workers make each "
        "other faster. The usual causes: the generator or a neighbour shares the cores, or what is "
        "limited is not the workers."
    )


def sentences(fit: Fit) -> tuple[str, ...]:
    """One for each parameter, then the outcome."""
    if fit.refused:
        return (*fit.refused, _measured(fit))
    said = [_measured(fit), _law(fit)]
    said.append(_lambda(fit.chosen.by_name["lambda"]))
    if fit.chosen.law is Law.QUEUE:
        said += [_demand(fit.chosen.by_name["demand"]), OTHERWISE]
    said += [_sigma(fit.usl.by_name["sigma"]), _kappa(fit.usl.by_name["kappa"])]
    said += [*_ends(fit), *_held_out(fit), *_reach(fit), *_caution(fit)]
    return tuple(said)


def _interval(low: str, high: str) -> str:
    return f"(95 % confidence: {low} to {high})"


def _measured(fit: Fit) -> str:
    most = max(each.workers for each in fit.samples)
    rounds = len({each.round for each in fit.samples})
    gain = _mean(fit, most) / _mean(fit, 1)
    return (
        f"Measured: {most} workers serve {gain:.3g} times what one worker serves, "
        f"{percent(gain / most)} of the ideal {most} times ({len(fit.samples)} windows in "
        f"{rounds} rounds; repeated windows scatter by {percent(fit.window_noise)})."
    )


def _mean(fit: Fit, workers: int) -> float:
    found = [each.throughput_rps for each in fit.samples if each.workers == workers]
    return sum(found) / len(found)


def _law(fit: Fit) -> str:
    first, second = fit.laws[:2]
    return (
        f"Of four laws the measurements agree best with {LAWS[first.law]} (weight "
        f"{percent(first.weight)}; next: {second.law}, {percent(second.weight)})."
    )


def _lambda(it: Parameter) -> str:
    return (
        f"lambda = {number(it.value)} requests/s {_interval(number(it.low), number(it.high))}: "
        "what one worker serves alone."
    )


def _sigma(it: Parameter) -> str:
    return (
        f"sigma = {percent(it.value)} {_interval(percent(it.low), percent(it.high))}: the share of "
        "a request's time for which it needs something that only one worker can have at a time, "
        f"such as a lock or a shared core{_proven(it)}."
    )


def _kappa(it: Parameter) -> str:
    return (
        f"kappa = {percent(it.value)} {_interval(percent(it.low), percent(it.high))}: how much "
        "longer a request takes for every pair of workers (counted both ways) that have to agree, "
        f"as over shared memory or shared files{_proven(it)}."
    )


def _proven(it: Parameter) -> str:
    return "" if it.low > 0 else "; the interval reaches 0, so none is proven"


def _demand(it: Parameter) -> str:
    return (
        f"demand = {percent(it.value)} {_interval(percent(it.low), percent(it.high))}: the share "
        "of a request's time, alone, spent at the one thing for which the workers line up."
    )


def _ends(fit: Fit) -> list[str]:
    said = []
    if fit.peak and fit.peak.workers and fit.peak.low:
        high = f"{fit.peak.high:.0f}" if fit.peak.high else "farther than can be told"
        span = _interval(f"{fit.peak.low:.0f}", high)
        said.append(
            f"Throughput peaks at {fit.peak.workers:.0f} workers {span}; "
            "more workers then serve less."
        )
    if fit.peak and fit.peak.none_below:
        said.append(f"No peak below N = {fit.peak.none_below}: up to there no worker does harm.")
    if fit.ceiling:
        span = _interval(number(fit.ceiling.low_rps), number(fit.ceiling.high_rps))
        said.append(
            f"However many workers, the law never passes {number(fit.ceiling.rps)} requests/s "
            f"{span}; that figure is an extrapolation."
        )
    return said


def _held_out(fit: Fit) -> list[str]:
    held = fit.hold_out
    if not held:
        return []
    verdict = "inside" if held.hit else "outside"
    said = (
        f"Tested on itself: without the windows of {held.workers} workers the law predicts "
        f"{number(held.predicted_rps)} requests/s for them, {number(held.low_rps)} to "
        f"{number(held.high_rps)} at 95 % confidence; measured were {number(held.measured_rps)}, "
        f"{verdict} that interval and {percent(abs(held.error))} from the prediction."
    )
    return [said]


def _reach(fit: Fit) -> list[str]:
    if not fit.bands:
        return []
    last, most = fit.bands[-1].workers, max(each.workers for each in fit.samples)
    said = (
        f"Figures are given for up to {last} workers; those past {most} are extrapolations, and "
        f"past {last} nothing is said."
    )
    return [said]


def _caution(fit: Fit) -> list[str]:
    if fit.misfit < max(NOTICEABLE, 2 * fit.window_noise):
        return []
    said = (
        f"Caution: at some number of workers the law is {percent(fit.misfit)} off the mean of the "
        "windows, more than their noise explains; read its parameters as rough."
    )
    return [said]
