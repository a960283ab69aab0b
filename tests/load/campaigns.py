"""Windows as a sound machine would give them, to be spoiled by a test."""

import argparse
from collections import Counter

import numpy as np
from hdrh.histogram import HdrHistogram
from msgspec.structs import replace

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

DURATION_S = 10.0
SERVICE_MS = 20.0
MACHINE = Machine(
    cpu="Example 2 GHz",
    cores=2,
    memory_bytes=8 << 30,
    kernel="6.1",
    python="3.11.9",
    versions={"flask": "3.1.3"},
    commit="abc1234",
    server_cores=(0,),
    generator_cores=(1,),
)


def histogram(values_ms):
    made = HdrHistogram(1, 60_000_000, 3)
    for value_us, count in Counter(max(1, round(value * 1000)) for value in values_ms).items():
        made.record_value(value_us, count)
    return made.encode().decode()


def point(workers=1, arrivals=Arrivals.CLOSED, offered_rps=None, regime=Regime.WAIT):
    return Point(
        regime=regime,
        target="/wait",
        workers=workers,
        arrivals=arrivals,
        connections=16 * workers,
        offered_rps=offered_rps,
        slo_ms=100,
    )


def window(at=None, *, rps=None, service_ms=SERVICE_MS, cpu_ms_per_request=0.5, **fields):
    """A valid window of a point, whose figures agree with each other."""
    at = at or point()
    rps = float(rps or at.offered_rps or 100.0 * at.workers)
    count = round(rps * DURATION_S)
    spread_ms = service_ms * (1 + 0.1 * np.sin(np.arange(count) % 64))
    client = Client(
        sent=count,
        answered=count,
        good=count,
        dropped=0,
        censored=0,
        errors={},
        answered_by_worker=shared_out(count, at.workers),
        response_hdr=histogram(spread_ms),
        service_hdr=histogram(spread_ms),
        mean_service_ms=float(spread_ms.mean()),
        mean_in_flight=rps * float(spread_ms.mean()) / 1000,
        lag_p99_ms=0.2,
        cpu_share_max=0.3,
    )
    server = Server(
        answered=count,
        cpu_ms=float(cpu_ms_per_request * count),
        run_queue_wait_ms=1.0,
        spin_ms=200.0,
        steal_share=0.0,
        other_cpu_share=0.01,
        pss_bytes_by_worker={str(i): 40 << 20 for i in range(at.workers)},
        pss_master_bytes=20 << 20,
    )
    given = {"round": 0, "boot": 0, "anchor": False, "started_at_s": 0.0, "reasons": ()} | fields
    return Window(
        point=at,
        duration_s=DURATION_S,
        client=client,
        server=server,
        verdict=Verdict.VALID,
        **given,
    )


def shared_out(count, workers):
    return {str(i): count // workers + (i < count % workers) for i in range(workers)}


def of_client(given, **fields):
    return replace(given, client=replace(given.client, **fields))


def of_server(given, **fields):
    return replace(given, server=replace(given.server, **fields))


def campaign(windows, machine=MACHINE):
    return Campaign(
        schema_version=SCHEMA_VERSION,
        started_at="2026-01-01T00:00:00Z",
        duration_s=600,
        seed=1,
        machine=machine,
        windows=tuple(windows),
    )


def command(module, capsys, *arguments):
    """What a command of `python -m load` returns and says."""
    parser = argparse.ArgumentParser()
    module.configure(parser)
    code = module.run(parser.parse_args(arguments))
    said = capsys.readouterr()
    return code, said.out + said.err
