"""The simulation of a burst: its steps change nothing, and it says what the README says."""

import numpy as np
import pytest

from load.experiments import burst

KINDS = {each.name: each for each in burst.KINDS}


def late_share(kind, metric, times=3):
    target = times * burst.mean_of(KINDS[kind], metric)
    return burst.outcome(KINDS[kind], metric, target, seed=2).late_share


@pytest.mark.parametrize("kind", ["bulk", "slow bodies"])
def test_serving_in_steps_is_serving_at_once(kind):
    whole, stepped = (burst.Fleet(KINDS[kind], seed=5) for _ in "ab")
    whole.serve(0, burst.END_S)
    for start_s in range(0, burst.END_S, burst.SCRAPE_S):
        stepped.serve(start_s, start_s + burst.SCRAPE_S)

    assert np.isfinite(whole.done_ms).all()
    assert stepped.done_ms == pytest.approx(whole.done_ms, rel=1e-9)


def test_where_the_work_is_outside_the_models_their_queues_never_show_it():
    fleet = burst.Fleet(KINDS["outside"], seed=2)
    minute_s = burst.BURST_S[0] + 60
    fleet.serve(0, minute_s)
    at_ms = minute_s * burst.SECOND_MS

    assert burst.METRICS["in flight"](fleet, at_ms) > 1000
    assert burst.METRICS["queued rows"](fleet, at_ms) <= 2 * len(fleet.pods)


def test_where_it_is_in_the_models_both_show_it():
    assert late_share("one row", "queued rows") == late_share("one row", "in flight")
    assert late_share("one row", "in flight") < late_share("one row", "CPU", times=1)
