"""A model in a process of its own: shared, replaced when it ends, and never waited for in vain."""

import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import numpy as np
import pytest

from service.errors import DeadlineExceeded, InvalidModel, LoadTimeout, ModelDied, TooLarge
from service.inference.execution import Interrupted, frames, process
from service.raised import RaisedThere
from tests.conftest import eventually
from tests.inference.execution.conftest import (
    DIES,
    FINE,
    FOREVER,
    GROWS,
    HANGS,
    RAISES,
    ask,
    pid_of,
)

SLEEPS = 11.0


def test_a_batch_is_answered(opened):
    assert ask(opened, 1.0, 2.0, 3.0)["y"] == [2.0, 4.0, 6.0]


def test_all_workers_share_one_process(opened, worker):
    other = worker()
    with ThreadPoolExecutor(2) as threads:
        specs = list(threads.map(lambda one: one.open(FOREVER), [other, worker()]))

    assert pid_of(other) == pid_of(opened)
    assert pid_of(opened) != os.getpid()
    assert specs[0] == specs[1]


def test_the_process_leaves_when_the_last_worker_has(opened):
    launcher = opened._launcher
    assert ask(opened, FINE)

    opened.close()

    assert eventually(lambda: ended(launcher)) == "exit code 0"


def ended(launcher):
    said = launcher.exit_reason()
    return said if "exit" in said or "SIG" in said else None


def test_an_exception_comes_over_with_its_traceback_and_the_process_stays(opened):
    pid = pid_of(opened)

    with pytest.raises(RaisedThere) as there:
        ask(opened, FINE, RAISES)
    assert (there.value.raised.kind, there.value.raised.text) == ("ValueError", "a bad row")
    assert "model.py" in there.value.raised.stack[-1]

    assert pid_of(opened) == pid


@pytest.mark.parametrize(("value", "said"), [(DIES, "SIGSEGV"), (HANGS, "SIGALRM")])
def test_a_death_is_told_at_once_and_another_process_comes(worker, value, said):
    execution = worker(call_limit_s=0.5)
    execution.open(FOREVER)
    pid = pid_of(execution)

    with pytest.raises(ModelDied, match=said):
        ask(execution, value)
    execution.recover(print)

    assert pid_of(execution) != pid
    assert execution.delay_s() == 0


def test_at_its_memory_limit_it_says_so_and_is_replaced(worker):
    execution = worker(memory_limit_bytes=300 << 20)
    execution.open(FOREVER)
    pid = pid_of(execution)

    with pytest.raises(ModelDied, match="out of memory"):
        ask(execution, GROWS)
    execution.recover(print)

    assert pid_of(execution) != pid


def test_a_model_that_does_not_fit_is_refused_with_both_figures(worker):
    with pytest.raises(InvalidModel, match=r"more than the 1 MB that memory_mb .*; it had \d+ MB"):
        worker(memory_limit_bytes=1 << 20).open(FOREVER)


def test_the_memory_limit_holds_while_it_loads(worker, folder):
    (folder / "at_load.txt").write_text("np.ones(60 << 20); print('loaded', flush=True)")

    with pytest.raises(InvalidModel, match="more than the 300 MB that memory_mb allows while it"):
        worker(memory_limit_bytes=300 << 20).open(FOREVER)


def test_a_load_that_hangs_ends_and_tells_where_it_stood(worker, folder):
    (folder / "at_load.txt").write_text("while True: time.sleep(9)")

    with pytest.raises(LoadTimeout, match=r"^it has not loaded within 2 s$") as failed:
        worker(load_limit_s=2.0).open(monotonic() + 2)

    assert any("model.py" in line and "load" in line for line in failed.value.stack)


def test_a_batch_has_begun_once_its_head_has_been_read(opened):
    with opened._launcher.connect() as wire:
        assert frames.receive(wire).kind == frames.READY
        wire.sendall(frames.HEAD.pack(frames.BATCH, monotonic() + 20, 1000) + b"not all of it")
        wire.settimeout(20)

        assert frames.receive(wire).kind == frames.BEGUN


def test_a_batch_that_ends_the_process_while_it_is_received_is_accused(opened):
    ours, theirs = socket.socketpair()

    def end_while_receiving():
        frames.receive_head(theirs)
        frames.send(theirs, frames.BEGUN)
        theirs.close()

    opened._connection.close()
    opened._connection = ours
    with ThreadPoolExecutor(1) as threads:
        threads.submit(end_while_receiving)
        with pytest.raises(ModelDied):
            opened.execute({"x": np.zeros(2_000_000)}, monotonic() + 20)


@pytest.mark.parametrize("rows", [5_000_000, 20_000_000])
def test_a_batch_that_there_is_no_memory_for_is_refused_and_the_process_lives(worker, rows):
    execution = worker(memory_limit_bytes=150 << 20)
    execution.open(FOREVER)
    pid = pid_of(execution)

    with pytest.raises(TooLarge, match=r"more than the \d+ bytes .*; send fewer at once"):
        execution.execute({"x": np.zeros(rows)}, monotonic() + 20)

    assert pid_of(execution) == pid


def test_a_process_that_is_stopped_is_replaced(worker, monkeypatch):
    monkeypatch.setattr(process, "GRACE_S", 0.5)
    execution = worker(call_limit_s=0.5)
    execution.open(FOREVER)
    pid = pid_of(execution)

    os.kill(pid, signal.SIGSTOP)
    with pytest.raises((ModelDied, Interrupted)):
        ask(execution, FINE, within_s=0.5)
    execution.recover(print)

    assert pid_of(execution) != pid


def test_an_end_that_nobody_asked_for_is_seen_and_told_by_one(opened, worker):
    other = worker()
    other.open(FOREVER)
    pid = pid_of(opened)
    assert not opened.is_lost()

    os.kill(pid, signal.SIGKILL)

    assert eventually(opened.is_lost)
    assert eventually(other.is_lost)
    assert sorted([opened.how_it_ended(), other.how_it_ended()]) == ["", "SIGKILL"]
    for execution in (opened, other):
        execution.recover(print)
    assert pid_of(opened) == pid_of(other) != pid


@pytest.mark.parametrize(
    ("at_load", "said"),
    [
        ("raise OSError('no weights')", "no weights"),
        ("import ctypes; ctypes.string_at(0)", "ended while it loaded"),
        ("raise SystemExit(4)", "4"),
    ],
)
def test_a_model_that_cannot_load_says_why(worker, folder, at_load, said):
    (folder / "at_load.txt").write_text(at_load)

    with pytest.raises(InvalidModel, match=said):
        worker().open(FOREVER)


def test_a_batch_whose_time_is_over_never_reaches_the_model(opened):
    with pytest.raises(DeadlineExceeded):
        ask(opened, FINE, within_s=-1)

    assert ask(opened, FINE)["calls"] == [1]


def test_a_batch_that_had_not_begun_is_innocent_of_a_death(opened, worker, tmp_path):
    other = worker()
    other.open(FOREVER)

    with ThreadPoolExecutor(2) as threads:
        sleeps = threads.submit(ask, opened, SLEEPS)
        eventually((tmp_path / "asleep").exists)
        dies = threads.submit(ask, other, DIES)
        slept = sleeps.result(20)["y"]
        assert isinstance(dies.exception(20), ModelDied)
    with pytest.raises(Interrupted):
        ask(opened, FINE)
    opened.recover(print)

    assert slept == [2 * SLEEPS]
    assert ask(opened, FINE)["y"] == [2 * FINE]


def test_a_process_that_replaces_another_is_warm(opened):
    ask(opened, FINE, FINE)
    with pytest.raises(ModelDied):
        ask(opened, DIES)
    opened.recover(print)

    assert ask(opened, FINE)["calls"] == [2]
