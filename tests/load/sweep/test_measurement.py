import dataclasses

import msgspec
import pytest

from load.campaign import Regime, Verdict, Window
from load.rig.machine import cores
from load.sweep import verdicts
from load.sweep.measurement import Bench, Timing
from load.sweep.targets import targets

pytestmark = pytest.mark.alone

QUICK = Timing(ramp_s=0.2, window_s=1.2, drain_s=2.0)
(WAIT,) = targets(Regime.WAIT)


AT_ONCE = dataclasses.replace(WAIT, path="/x")


def measured(instance, generator, point, target=WAIT):
    serves, _ = cores()
    client, server = Bench(instance, generator, serves).measure(target, point, QUICK, seed=1)
    return verdicts.judged(
        Window(
            point=point,
            round=0,
            boot=0,
            anchor=False,
            started_at_s=0.0,
            duration_s=QUICK.window_s,
            client=client,
            server=server,
            verdict=Verdict.VALID,
        )
    )


def test_a_window_in_which_one_worker_of_four_served_is_refused(four_workers, generator):
    point = msgspec.structs.replace(WAIT.closed(4), connections=1)

    window = measured(four_workers, generator, point)

    assert window.verdict is Verdict.REFUSED
    assert sorted(window.client.answered_by_worker.values())[:3] == [0, 0, 0]
    assert any("1.0 of 4 workers had shared them" in reason for reason in window.reasons)


def test_a_generator_that_is_asked_for_too_much_makes_no_valid_window(bench, generator):
    window = measured(bench, generator, AT_ONCE.open(1, 20_000), AT_ONCE)

    assert window.verdict is not Verdict.VALID
    assert any("The generator used" in reason for reason in window.reasons)
    assert any("were never sent" in reason for reason in window.reasons)


def test_idle_cpu_is_told_apart_from_that_of_requests(four_workers, generator):
    window = measured(four_workers, generator, WAIT.closed(4))

    assert 0 < window.server.idle_cpu_ms < window.server.cpu_ms
    assert 0 < window.cpu_ms_per_request < window.server.cpu_ms / window.server.answered
