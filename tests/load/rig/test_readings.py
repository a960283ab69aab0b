import os
import time

import pytest

from load.rig import readings

pytestmark = pytest.mark.alone


def burn(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_every_clock_counts_the_cpu_time_of_its_process():
    clock = readings.cpu_clock()
    alone = readings._Schedstat()
    try:
        before_ms = alone.used_ms([os.getpid()])
        burn(0.1)
        assert 90 < alone.used_ms([os.getpid()]) - before_ms < 1000
        assert clock.used_ms([]) >= 0
    finally:
        clock.close()


def test_the_machine_is_busier_after_work():
    before = readings.machine_cpu()
    burn(0.3)
    passed = readings.machine_cpu().since(before)

    assert 200 <= passed.busy_ms <= passed.total_ms


def test_the_spin_is_cpu_time_and_not_time():
    assert 5 < readings.spin_ms(min(os.sched_getaffinity(0))) < 5000


def test_pinning_lasts_as_long_as_its_block():
    before = os.sched_getaffinity(0)
    with readings.pinned([min(before)]):
        assert os.sched_getaffinity(0) == {min(before)}

    assert os.sched_getaffinity(0) == before


def test_memory_of_a_process_that_has_ended_is_none():
    assert readings.pss_bytes(os.getpid()) > 1 << 20
    assert readings.pss_bytes(4_000_000) == 0
