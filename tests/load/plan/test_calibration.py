"""Service times as they are alone, out of measurements in which requests queued."""

import numpy as np
import pytest

from load.latencies import Spectrum
from load.plan.calibration import alone
from load.plan.cost import Cost
from load.plan.simulation import ServiceDraw, Station

SHARES = (np.arange(5000) + 0.5) / 5000
TEN_MS = Cost.constant(10.0)
CONSTANT = np.full(5000, 10.0)
EXPONENTIAL = -10 * np.log(1 - SHARES)
TWO_KINDS = np.where(SHARES < 0.8, 5.0, 30.0)


def spectrum(times_ms):
    return Spectrum(np.sort(times_ms), np.ones(len(times_ms)))


@pytest.mark.parametrize("times_ms", [CONSTANT, EXPONENTIAL, TWO_KINDS])
@pytest.mark.parametrize(("instance", "rps"), [(Station(1, 1), 50), (Station(2, 1), 60)])
def test_what_queued_is_told_from_what_took_long(times_ms, instance, rps):
    queued = ServiceDraw(spectrum(times_ms), TEN_MS, 0.0, seed=5).response_ms(instance, rps)
    found = alone(spectrum(queued), instance, rps, cpu_ms=10.0)
    # What matters: it predicts a load that was not measured; taken as they are, the times of
    # requests that queued are several times too long there.
    truth = ServiceDraw(spectrum(times_ms), TEN_MS, 0.0, seed=6).p99_ms(instance, 80)
    told = ServiceDraw(found, TEN_MS, max(0.0, found.mean_ms - 10), seed=6).p99_ms(instance, 80)
    assert told == pytest.approx(truth, rel=0.25)


def test_waiting_for_something_else_is_kept():
    times = spectrum(np.linspace(90, 110, 5000))
    instance = Station(1, 1, slots=4)
    queued = ServiceDraw(times, Cost.constant(1.0), 99.0, seed=5).response_ms(instance, 20)
    found = alone(spectrum(queued), instance, 20, cpu_ms=1.0)
    assert found.mean_ms == pytest.approx(100, rel=0.03)
