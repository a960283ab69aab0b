"""
Many requests and many recycles leave nothing behind: memory, descriptors, threads, metric files.

CI takes 50,000 requests and 6 recycles; `make soak` a million and 50.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import eventually
from tests.live.clients import Clients
from tests.live.instance import Instance

pytestmark = pytest.mark.alone

REQUESTS = int(os.environ.get("SOAK_REQUESTS", "50000"))
RECYCLES = int(os.environ.get("SOAK_RECYCLES", "6"))
WITHIN_S = 60 + REQUESTS / 400

# Python's allocator and malloc settle in steps; a leak of 1 KB a request would show as 50 MB.
MEMORY_SLACK_BYTES = 40 << 20


@dataclass
class Held:
    """What an instance holds of the machine."""

    memory_bytes: int
    descriptors: int
    threads: int
    metric_files: int


def held_by(instance, metrics):
    """The sums over master and workers, once all workers are there and at rest."""
    pids = [instance.process.pid, *instance.workers()]
    return Held(
        memory_bytes=sum(pss_bytes(pid) for pid in pids),
        descriptors=sum(entries(pid, "fd") for pid in pids),
        threads=sum(entries(pid, "task") for pid in pids),
        metric_files=len(list(metrics.rglob("*.db"))),
    )


def entries(pid, kind):
    return len(list(Path(f"/proc/{pid}/{kind}").iterdir()))


def pss_bytes(pid):
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(text.partition("\nPss:")[2].split()[0]) << 10


def test_nothing_grows(tmp_path):
    metrics = tmp_path / "metrics"
    variables = {
        "WEB_CONCURRENCY": "2",
        "WEIR_LOG_LEVEL": "warning",
        "WEIR_MAX_REQUESTS": str(REQUESTS // RECYCLES),
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
    }
    with Instance(tmp_path, ready=False, **variables) as instance:
        eventually(instance.is_ready)
        run(instance, REQUESTS // 10)
        before = held_at_rest(instance, metrics)
        account = run(instance, REQUESTS)
        after = held_at_rest(instance, metrics)

    print(f"{account.answered} requests: {before} → {after}")
    assert account.lost == []
    assert account.refused_connections == 0
    assert account.statuses == {200}
    assert after.memory_bytes <= before.memory_bytes + MEMORY_SLACK_BYTES
    assert after.descriptors <= before.descriptors
    assert after.threads <= before.threads
    # By slot, not by process: at most one for each worker and one for its successor.
    assert after.metric_files <= 2 * before.metric_files


def run(instance, requests):
    with Clients(instance.port, count=16) as clients:
        eventually(lambda: clients.account.answered >= requests, within_s=WITHIN_S)
    return clients.account


def held_at_rest(instance, metrics):
    """What is held when both workers have booted and have closed their last connection."""
    return eventually(lambda: held_twice(instance, metrics))


def held_twice(instance, metrics):
    try:
        first = held_by(instance, metrics)
        time.sleep(0.5)
        again = held_by(instance, metrics)
        booted = have_booted(instance.workers())
    except (FileNotFoundError, ProcessLookupError):  # a worker left just now
        return None
    steady = (first.descriptors, first.threads) == (again.descriptors, again.threads)
    return again if booted and steady else None


def have_booted(pids):
    """A worker that still boots has fewer threads than one that serves."""
    return len(pids) == 2 and len({entries(pid, "task") for pid in pids}) == 1
