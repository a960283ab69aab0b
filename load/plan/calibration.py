"""How long a request takes alone, from measurements in which requests also queued."""

import numpy as np

from load.latencies import Spectrum
from load.plan.cost import Cost
from load.plan.simulation import ServiceDraw, Station

SHARES = (np.arange(1000) + 0.5) / 1000
STEPS = 8
SEED = 1
LEAST = 0.1  # a step changes no quantile by more than this factor, or its inverse
ALONE = 0.1  # the share of requests that, for a start, is taken not to have queued at all


def alone(measured: Spectrum, instance: Station, rps: float, cpu_ms: float) -> Spectrum:
    """
    The service times that give *measured* where they queue in *instance* at *rps*.

    Each step simulates that and moves every quantile by the factor that it is off. The CPU time,
    *cpu_ms*, was measured without queues and stays.
    """
    wanted = measured.quantile_ms(SHARES)
    start_ms = max(cpu_ms, float(measured.quantile_ms(ALONE)[0]))
    times = wanted * start_ms / measured.mean_ms
    for _ in range(STEPS):
        spectrum = Spectrum(times, np.ones_like(times))
        wait_ms = max(0.0, spectrum.mean_ms - cpu_ms)
        draw = ServiceDraw(spectrum, Cost.constant(cpu_ms), wait_ms, SEED)
        got = np.quantile(draw.response_ms(instance, rps), SHARES)
        times = np.maximum.accumulate(times * np.clip(wanted / got, LEAST, 1 / LEAST))
    times *= max(1.0, cpu_ms / times.mean())  # nothing takes less than its CPU time
    return Spectrum(times, np.ones_like(times))
