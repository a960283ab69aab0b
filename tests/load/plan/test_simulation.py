"""The simulation against what queueing theory knows exactly, or nearly."""

import math

import numpy as np
import pytest

from load.plan.simulation import Requests, Station, response_ms, settled

REQUESTS = 60_000


def simulated(instance, rps, *, cpu_ms=None, away_ms=None, requests=REQUESTS):
    """Settled response times under Poisson arrivals, over workers at random."""
    random = np.random.default_rng(7)
    made = Requests(
        np.cumsum(random.exponential(1000 / rps, requests)),
        random.integers(instance.workers, size=requests),
        cpu_ms(random, requests) if cpu_ms else np.zeros(requests),
        away_ms(random, requests) if away_ms else np.zeros(requests),
    )
    return settled(response_ms(instance, made))


def exponential(mean_ms):
    return lambda random, requests: random.exponential(mean_ms, requests)


def constant(mean_ms):
    return lambda _, requests: np.full(requests, mean_ms)


def erlang_c(servers, busy):
    """The share of requests that wait in M/M/c; *busy* is the offered load in servers."""
    terms = [busy**k / math.factorial(k) for k in range(servers)]
    last = busy**servers / math.factorial(servers) * servers / (servers - busy)
    return last / (sum(terms) + last)


def allen_cunneen_wait_ms(servers, rps, mean_ms, cv2):
    """Mean wait in M/G/c: (1 + cv²)/2 of M/M/c's."""
    busy = rps * mean_ms / 1000
    return erlang_c(servers, busy) * mean_ms / (servers - busy) * (1 + cv2) / 2


@pytest.mark.parametrize("rps", [30, 54, 77])
def test_one_worker_is_an_m_m_1_queue(rps):
    times = simulated(Station(1, 1), rps, cpu_ms=exponential(10))
    # Sojourn times are exponential with rate µ − λ: p99 = ln 100 / (µ − λ).
    assert np.quantile(times, 0.99) == pytest.approx(4.605 / (100 - rps) * 1000, rel=0.1)
    assert times.mean() == pytest.approx(1000 / (100 - rps), rel=0.06)


@pytest.mark.parametrize(("slots", "draw", "cv2"), [(4, exponential, 1), (4, constant, 0)])
def test_slots_wait_as_allen_and_cunneen_say(slots, draw, cv2):
    times = simulated(Station(1, 1, slots=slots), 320, away_ms=draw(10))
    assert times.mean() - 10 == pytest.approx(allen_cunneen_wait_ms(slots, 320, 10, cv2), rel=0.12)


def test_workers_do_not_pool():
    pooled = simulated(Station(1, 4, slots=4, lanes=4), 320, cpu_ms=exponential(10))
    split = simulated(Station(4, 4), 320, cpu_ms=exponential(10))
    # At a load of 0.8, waits in service times: 0.746 for M/M/4, 4.0 for M/M/1.
    assert pooled.mean() - 10 == pytest.approx(7.46, rel=0.12)
    assert split.mean() - 10 == pytest.approx(40, rel=0.12)


def test_more_workers_than_cores_share_them_evenly():
    # Processor sharing: mean sojourn is S / (1 − ρ) whatever the service times are.
    times = simulated(Station(64, 1), 70, cpu_ms=constant(10))
    assert times.mean() == pytest.approx(10 / 0.3, rel=0.1)


def test_an_idle_instance_answers_in_the_service_time():
    times = simulated(Station(2, 1), 0.1, cpu_ms=constant(3), away_ms=constant(20), requests=200)
    assert times == pytest.approx(np.full(180, 23.0))


def test_a_slow_wait_leaves_the_cpu_to_others():
    # 8 slots, each 99 ms away and 1 ms on the CPU: 80 a second, far from CPU's 1,000.
    busy = simulated(Station(1, 1, slots=8), 60, cpu_ms=constant(1), away_ms=constant(99))
    assert 100 <= np.median(busy) < 130


def test_overload_grows_without_end():
    short = simulated(Station(1, 1), 130, cpu_ms=constant(10), requests=2000)
    long = simulated(Station(1, 1), 130, cpu_ms=constant(10), requests=20_000)
    assert long[-1] > 5 * short[-1]
