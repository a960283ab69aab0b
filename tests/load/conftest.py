import pytest

from load.campaign import Arrivals
from load.generator.traffic import Generator, Traffic
from load.rig.machine import cores
from load.rig.server import BENCH, Instance, Setup


@pytest.fixture(scope="session")
def generator():
    _, sends = cores()
    with Generator(sends) as started:
        yield started


@pytest.fixture(scope="session")
def bench():
    """One worker of the bench application."""
    with served(1) as instance:
        yield instance


@pytest.fixture(scope="session")
def four_workers():
    with served(4) as instance:
        yield instance


def served(workers, app=BENCH, **variables):
    serves, _ = cores()
    return Instance(Setup(app=app, workers=workers, cores=serves, variables=variables))


def traffic(instance, path, **changed):
    usual = {
        "url": instance.url,
        "path": path,
        "arrivals": Arrivals.CLOSED,
        "connections": 4,
        "slo_ms": 1000,
        "ramp_s": 0.2,
        "window_s": 1.0,
        "drain_s": 5.0,
        "seed": 1,
    }
    return Traffic(**(usual | changed))
