"""What a worker decides by itself; what its clients see of it is in live/."""

import os
from types import SimpleNamespace

import pytest

from service import worker as module
from service.worker import Worker


@pytest.fixture
def worker():
    """A worker that has not been started."""
    made = object.__new__(Worker)
    made.alive, made.ppid, made.booted = True, os.getppid(), False
    made.nr, made.max_requests, made.age = 0, 3, 1
    made.cfg = SimpleNamespace(workers=2, timeout=30)
    made.beats = []
    made.tmp = SimpleNamespace(notify=lambda: made.beats.append(1))
    made._succession = SimpleNamespace(retire=lambda: made.beats.append("retired"))
    return made


def test_a_worker_beats_while_its_master_lives(worker):
    worker.notify()

    assert (worker.alive, worker.beats) == (True, [1])


def test_a_worker_whose_master_has_died_leaves_and_exits_nowhere(worker):
    worker.ppid = 1 << 30

    worker.notify()

    assert (worker.alive, worker.beats) == (False, [1])


def test_after_its_requests_it_asks_once_to_be_replaced(worker, monkeypatch):
    woken = []
    monkeypatch.setattr(module, "wake", woken.append)

    for _ in range(5):
        worker._count_answer()

    assert not worker.alive
    assert worker.beats == ["retired"]
    assert woken == [worker.ppid]


@pytest.mark.parametrize(("booted", "age"), [(False, 1), (False, 2), (True, 7)])
def test_what_keeps_the_first_generation_from_booting_ends_the_start(
    worker, monkeypatch, booted, age
):
    worker.booted, worker.age = booted, age
    _boot_fails(monkeypatch)

    with pytest.raises(ImportError):
        worker.init_process()


def test_a_later_worker_that_cannot_boot_takes_nobody_with_it(worker, monkeypatch):
    said = []
    worker.age, worker.log = 3, SimpleNamespace(exception=said.append)
    _boot_fails(monkeypatch)

    with pytest.raises(SystemExit) as ended:
        worker.init_process()

    assert ended.value.code == 1  # not 3 or 4, with which Gunicorn's master gives up
    assert said == ["Worker failed to boot; another will try"]


def _boot_fails(monkeypatch):
    def fail(_worker):
        raise ImportError("no module")

    monkeypatch.setattr(module.GeventWorker, "init_process", fail)
    monkeypatch.setattr(module, "keep_heap_small", lambda: None)
    monkeypatch.setattr(module, "sleep", lambda _seconds: None)
    monkeypatch.setattr(module.signal, "alarm", lambda _seconds: 0)
    monkeypatch.setattr(module.sys, "setswitchinterval", lambda _seconds: None)
