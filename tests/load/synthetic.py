"""Campaigns with a known answer: windows as a sweep would measure them, drawn from a law."""

from dataclasses import dataclass, field

import msgspec
import numpy as np
from hdrh.histogram import HdrHistogram

from load.campaign import (
    SCHEMA_VERSION,
    Arrivals,
    Campaign,
    Client,
    Machine,
    Point,
    Regime,
    Server,
    Verdict,
    Window,
)

MIB = 1 << 20
CORES = 2
WINDOW_S = 10.0
LATENCIES = 1000  # recorded a window, whatever its rate
HIGHEST_US = 60_000_000


@dataclass(frozen=True)
class Truth:
    """What is injected."""

    wait_rps: float = 40.0  # of one worker
    sigma: float = 0.03
    kappa: float = 0.0005
    noise: float = 0.02  # sd of log throughput
    wait_ms: float = 100.0
    cpu_ms: dict[Regime, float] = field(
        default_factory=lambda: {Regime.WAIT: 0.5, Regime.CPU: 10.0, Regime.MODEL: 6.0}
    )
    spread: float = 0.15  # sd of log service time
    shared_bytes: int = 70 * MIB
    worker_bytes: int = 60 * MIB


TARGETS = {Regime.WAIT: "/wait", Regime.CPU: "/cpu", Regime.MODEL: "/models/iris/predict"}
MACHINE = Machine(
    cpu="AMD EPYC 7B13",
    cores=CORES + 1,
    memory_bytes=8 << 30,
    kernel="6.18.5",
    python="3.13.0",
    versions={"flask": "3.1.3", "gevent": "26.9.0", "gunicorn": "27.0.1"},
    commit="0123abc",
    server_cores=(0, 1),
    generator_cores=(2,),
)


def point(regime=Regime.MODEL, *, workers=1, rate=None, connections=None):
    """A point to measure; open where *rate* is given."""
    return Point(
        regime=regime,
        target=TARGETS[regime],
        workers=workers,
        arrivals=Arrivals.CLOSED if rate is None else Arrivals.OPEN,
        connections=connections or 4 * workers,
        offered_rps=rate,
        slo_ms=200.0,
    )


def points(truth=Truth()):
    """What a full campaign measures."""
    closed = [point(Regime.WAIT, workers=workers) for workers in (1, 2, 4, 8, 16, 32)]
    for regime in (Regime.CPU, Regime.MODEL):
        for workers in (1, 2, 4):
            most_rps = min(workers, CORES) * 1000 / truth.cpu_ms[regime]
            closed.append(point(regime, workers=workers))
            closed += [
                point(regime, workers=workers, rate=round(share * most_rps, 1), connections=64)
                for share in (0.2, 0.4, 0.6, 0.8, 0.9)
            ]
    return closed


def campaign(*, seed=1, rounds=7, truth=None, measured=None, drift=0.0, spoil=True):
    """
    A campaign that measured the points *measured* in *rounds*.

    *drift* slows the machine by this share from the first round to the last; *spoil* makes some
    windows LOWER_BOUND or REFUSED.
    """
    truth = truth or Truth()
    random = np.random.default_rng(seed)
    windows = []
    for number in range(rounds):
        for place, (each, anchor) in enumerate(_block(measured or points(truth), random)):
            slowness = 1 + drift * number / max(1, rounds - 1)
            made = window(
                each, random, truth, number=number, anchor=anchor, slowness=slowness,
                started_at_s=(number * 60 + place) * WINDOW_S,
            )  # fmt: skip
            windows.append(_spoilt(made, random) if spoil else made)
    return Campaign(
        schema_version=SCHEMA_VERSION,
        started_at="2026-11-23T12:00:00Z",
        duration_s=len(windows) * WINDOW_S,
        seed=seed,
        machine=MACHINE,
        windows=tuple(windows),
    )


def window(each, random, truth=None, *, number=0, anchor=False, slowness=1.0, started_at_s=0.0):
    """One valid window of the point *each*."""
    truth = truth or Truth()
    service, waits, rps = _times_ms(each, random, truth, slowness)
    answered = max(1, int(rps * WINDOW_S))
    cpu_ms = truth.cpu_ms[each.regime] * slowness * (1 + 0.01 * each.workers)
    cpu_ms *= random.lognormal(0, truth.noise / 2)
    response = service + waits
    names = [f"{100 + number}" for number in range(each.workers)]
    return Window(
        point=each,
        round=number,
        boot=number,
        anchor=anchor,
        started_at_s=started_at_s,
        duration_s=WINDOW_S,
        client=Client(
            sent=answered,
            answered=answered,
            good=int(answered * np.mean(response <= each.slo_ms)),
            dropped=0,
            censored=0,
            errors={},
            answered_by_worker=_shares(names, answered, each, random),
            response_hdr=histogram(response),
            service_hdr=histogram(service + waits * 0.97),
            mean_service_ms=float(np.mean(service + waits * 0.97)),
            mean_in_flight=float(rps * response.mean() / 1000),
            lag_p99_ms=float(random.uniform(0.2, 0.6)),
            cpu_share_max=float(random.uniform(0.1, 0.5)),
        ),
        server=_server(each, random, truth, answered, cpu_ms, slowness, names),
        verdict=Verdict.VALID,
    )


def _server(each, random, truth, answered, cpu_ms, slowness, names):
    return Server(
        answered=answered,
        cpu_ms=answered * cpu_ms,
        run_queue_wait_ms=answered * cpu_ms * 0.05 * max(1, each.workers - 1),
        spin_ms=200 * slowness,
        steal_share=0.002,
        other_cpu_share=0.01,
        pss_bytes_by_worker={
            name: int(truth.worker_bytes * random.normal(1, 0.01)) for name in names
        },
        pss_master_bytes=truth.shared_bytes,
    )


def histogram(times_ms):
    """Base64 HDR histogram, in µs, of *times_ms*."""
    made = HdrHistogram(1, HIGHEST_US, 3)
    for time_us in np.maximum(1, np.asarray(times_ms) * 1000).astype(int).tolist():
        made.record_value(time_us)
    return made.encode().decode()


def _block(measured, random):
    """One round: the smallest point, then the others in random order with it amid and after."""
    smallest, *others = measured
    order = [(others[place], False) for place in random.permutation(len(others))]
    half = len(order) // 2
    again = (smallest, True)
    return [(smallest, False), *order[:half], again, *order[half:], again]


def _times_ms(each, random, truth, slowness):
    """Service times, waits before them (both [n]) and the rate at which they were answered."""
    noise = random.lognormal(0, truth.noise)
    if each.regime == Regime.WAIT:
        n = each.workers
        loss = 1 + truth.sigma * (n - 1) + truth.kappa * n * (n - 1)
        rps = truth.wait_rps * n / loss * noise / slowness
        service = each.connections / rps * 1000 * random.lognormal(0, 0.02, LATENCIES)
        return service, np.zeros(LATENCIES), rps
    mean_ms = truth.cpu_ms[each.regime] * slowness
    service = mean_ms * random.lognormal(-(truth.spread**2) / 2, truth.spread, LATENCIES)
    used = min(each.workers, CORES)
    if each.offered_rps is None:
        rps = used * 1000 / mean_ms * noise
        queued = np.maximum(0.0, each.connections / rps * 1000 - service)
        return service, queued, rps
    gaps = random.exponential(1000 * used / each.offered_rps, LATENCIES)
    return service, _queued(gaps, service), each.offered_rps


def _queued(gaps, service):
    """Lindley's recursion: how long each waits for the one before."""
    steps = np.concatenate([[0.0], service[:-1] - gaps[1:]])
    sums = np.cumsum(steps)
    return sums - np.minimum.accumulate(np.minimum(sums, 0.0))


def _shares(names, answered, each, random):
    """Each connection belongs to one worker, at random, if there are connections enough."""
    fair = np.full(len(names), 1 / len(names))
    if each.arrivals == Arrivals.OPEN:
        owners = random.multinomial(each.connections, fair)
        fair = (owners + 1e-9) / owners.sum()
        fair /= fair.sum()
    return dict(zip(names, random.multinomial(answered, fair).tolist(), strict=True))


def _spoilt(made, random):
    if made.point.workers == 32 and random.random() < 0.3:
        return _marked(made, Verdict.LOWER_BOUND, "the generator used 83 % of its core, over 70 %")
    if random.random() < 0.03:
        return _marked(made, Verdict.REFUSED, "the hypervisor stole 2.4 % of the time, over 1 %")
    return made


def _marked(made, verdict, reason):
    return msgspec.structs.replace(made, verdict=verdict, reasons=(reason,))
