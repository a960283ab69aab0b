"""What one dyno holds, and how many hold a load: beside what queueing theory says."""

import re

import numpy as np
import pytest

from load.campaign import Regime
from load.latencies import Spectrum
from load.plan.capacity import Goal, Infeasible, offer
from load.plan.cost import Cost
from load.plan.demand import Demand
from load.plan.dynos import MIB, Dyno
from load.plan.memory import Memory
from load.plan.words import obstacle, why_workers
from tests.load.synthetic import point

ONE_WORKER = Memory(60 * MIB, 300 * MIB)


def m_m_1(mean_ms=10.0, *, rounds=(10.0, 10.0, 10.0), memory=ONE_WORKER, wavering=(1.0,)):
    """Exponential service times, all CPU, one worker measured."""
    shares = (np.arange(20_000) + 0.5) / 20_000
    return Demand(
        regime=Regime.MODEL,
        target="/models/iris/predict",
        lightest=point(rate=1.0),
        measured_requests=20_000,
        service=Spectrum(-np.log(1 - shares) * mean_ms, np.ones(20_000)),
        service_by_round_ms=np.array(rounds),
        costs={1: Cost(np.ones(1), np.array([mean_ms]), np.array(rounds))},
        wavering=np.array(wavering),
        crowding={1: 1.0},
        slots=1,
        lanes=1,
        memory=memory,
        windows=len(rounds),
        rounds=len(rounds),
    )


def dyno(**changes):
    """A dyno with one core, in whose memory one worker of `m_m_1` fits."""
    fields = {
        "name": "one", "runtime": "common", "usd_a_month": 25, "memory_mib": 512,
        "cores": 1, "most": 100,
    }  # fmt: skip
    return Dyno(**(fields | changes))


@pytest.mark.parametrize(
    ("rps", "p99_ms", "needed"),
    # λ ≤ µ − 4.605 / SLO a dyno, with µ = 100: 54 a second for 100 ms, 77 for 200 ms.
    [(50, 100, 1), (500, 100, 10), (150, 200, 2), (720, 200, 10)],
)
def test_an_m_m_1_dyno_is_planned_as_theory_has_it(rps, p99_ms, needed):
    planned = offer(m_m_1(), Goal(rps, p99_ms), dyno())
    assert planned.needed == needed
    assert planned.dynos == needed + 1
    assert planned.usd_a_month == 25 * (needed + 1)
    assert planned.workers.count == 1


def test_one_dyno_holds_what_an_m_m_1_queue_holds():
    held = offer(m_m_1(), Goal(10, 200), dyno()).holding
    assert held.rps == pytest.approx(100 - 4605 / 200, rel=0.04)


def test_a_machine_whose_pace_wavers_holds_less():
    steady, wavering = (
        offer(m_m_1(wavering=paces), Goal(10, 200), dyno()).holding.rps
        for paces in ((1.0,), (0.9, 0.95, 1.0, 1.15))
    )
    assert wavering < 0.95 * steady


def test_more_requests_never_take_fewer_dynos():
    counts = [offer(m_m_1(), Goal(rps, 150), dyno()).dynos for rps in (1, 60, 61, 900)]
    assert counts == sorted(counts)
    assert counts[0] == 2  # one carries it, one is spare


def test_a_tighter_p99_never_takes_fewer_dynos():
    counts = [offer(m_m_1(), Goal(500, p99), dyno()).dynos for p99 in (1000, 150, 70)]
    assert counts == sorted(counts)


def test_a_slower_cpu_takes_more_dynos():
    fast, slow = (
        offer(m_m_1(), Goal(300, 300), dyno(), spin_ratio=ratio).dynos for ratio in (1, 2)
    )
    assert slow > 2 * (fast - 1)


def test_memory_limits_workers():
    small = m_m_1(memory=Memory(100 * MIB, 150 * MIB))
    planned = offer(small, Goal(50, 300), dyno(memory_mib=512, cores=8))
    assert planned.workers.count == 2  # 0.85 × 512 − 100 = 335 MiB
    assert "512 MiB" in why_workers(planned.workers, planned.dyno, small)


def test_nothing_is_planned_far_beyond_what_was_measured():
    planned = offer(m_m_1(), Goal(50, 300), dyno(memory_mib=1 << 20, cores=64))
    assert planned.workers.count == 2
    assert "measured" in why_workers(planned.workers, planned.dyno, m_m_1())


def test_a_worker_that_does_not_fit_is_no_offer():
    with pytest.raises(Infeasible) as raised:
        offer(m_m_1(), Goal(50, 300), dyno(memory_mib=256))

    assert re.search(r"one worker takes 360 MiB.*218 MiB", obstacle(raised.value))


def test_rounds_that_differ_widen_the_price():
    alike = offer(m_m_1(), Goal(2000, 200), dyno())
    apart = offer(m_m_1(rounds=(8.0, 10.0, 12.0)), Goal(2000, 200), dyno())
    assert alike.usd_interval == (alike.usd_a_month, alike.usd_a_month)
    assert apart.usd_interval[0] < apart.usd_a_month < apart.usd_interval[1]
