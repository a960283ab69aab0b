import os

import pytest

from config.machine import cpus, memory_bytes, worker_count
from config.settings import ONCE_BYTES, WORKER_BYTES

GRANTED = len(os.sched_getaffinity(0))


@pytest.fixture
def v1(tmp_path):
    def make(quota, memory):
        (tmp_path / "cpu").mkdir()
        (tmp_path / "memory").mkdir()
        (tmp_path / "cpu/cpu.cfs_quota_us").write_text(quota)
        (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000\n")
        (tmp_path / "memory/memory.limit_in_bytes").write_text(memory)
        return tmp_path

    return make


@pytest.fixture
def v2(tmp_path):
    def make(quota, memory):
        (tmp_path / "cpu.max").write_text(quota)
        (tmp_path / "memory.max").write_text(memory)
        return tmp_path

    return make


@pytest.mark.parametrize(("quota", "expected"), [("100000 100000\n", 1), ("50000 100000\n", 1)])
def test_the_quota_of_cgroup_v2_cuts_the_cpus(v2, quota, expected):
    assert cpus(v2(quota, "max\n")) == expected


def test_no_quota_leaves_what_affinity_grants(v2, tmp_path):
    assert cpus(tmp_path / "none") == GRANTED
    assert cpus(v2("max 100000\n", "max\n")) == GRANTED
    assert cpus(v2("99900000 100000\n", "max\n")) == GRANTED


def test_cgroup_v1(v1):
    folder = v1("100000\n", str(512 << 20))

    assert cpus(folder) == 1
    assert memory_bytes(folder) == 512 << 20


def test_cgroup_v1_without_limits(v1, tmp_path):
    folder = v1("-1\n", "9223372036854771712\n")

    assert cpus(folder) == GRANTED
    assert memory_bytes(folder) == memory_bytes(tmp_path / "none")


def test_memory_of_cgroup_v2(v2):
    assert memory_bytes(v2("max 100000\n", str(1 << 30))) == 1 << 30


def test_workers_are_as_many_as_cpus_and_memory_allow(v2):
    folder = v2("max 100000\n", str(512 << 20))

    assert worker_count(0, 512 << 20, folder) == 1
    assert worker_count(0, 1 << 20, folder) == GRANTED
    assert worker_count(0, 1 << 40, folder) == 1
    assert worker_count(512 << 20, 1 << 20, folder) == 1


@pytest.mark.parametrize(("memory_mb", "workers"), [(512, 2), (1024, 6), (2560, 17)])
def test_workers_that_a_dyno_s_memory_has_room_for(v2, monkeypatch, memory_mb, workers):
    monkeypatch.setattr("config.machine.cpus", lambda *_: 64)
    folder = v2("max 100000\n", str(memory_mb << 20))

    assert worker_count(ONCE_BYTES, WORKER_BYTES, folder) == workers
