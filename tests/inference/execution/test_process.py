"""A model in a process of its own: shared, replaced when it ends, and never waited for in vain."""

import os
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import numpy as np
import pytest

from service.errors import DeadlineExceeded, InvalidModel, ModelDied
from service.inference.execution import Interrupted, launch
from service.inference.execution.process import RaisedThere
from tests.conftest import eventually
from tests.inference.execution.conftest import DIES, FINE, GROWS, HANGS, RAISES

SLEEPS = 11.0


def ask(execution, *values, within_s=30):
    ran = execution.execute({"x": np.array(values)}, monotonic() + within_s)
    return {name: column.tolist() for name, column in ran.outputs.items()}


def pid_of(execution):
    return ask(execution, FINE)["pid"][0]


@pytest.fixture
def opened(worker):
    execution = worker()
    execution.open()
    return execution


def test_a_batch_is_answered(opened):
    assert ask(opened, 1.0, 2.0, 3.0)["y"] == [2.0, 4.0, 6.0]


def test_all_workers_share_one_process(opened, worker):
    other = worker()
    with ThreadPoolExecutor(2) as threads:
        specs = list(threads.map(lambda one: one.open(), [other, worker()]))

    assert pid_of(other) == pid_of(opened)
    assert pid_of(opened) != os.getpid()
    assert specs[0] == specs[1]


def test_the_process_leaves_when_the_last_worker_has(opened):
    launcher = opened._launcher
    assert ask(opened, FINE)

    opened.close()

    assert eventually(lambda: ended(launcher)) == "exit code 0"


def ended(launcher):
    said = launcher.obituary()
    return said if "exit" in said or "SIG" in said else None


def test_an_exception_comes_over_with_its_traceback_and_the_process_stays(opened):
    pid = pid_of(opened)

    with pytest.raises(RaisedThere, match=r"(?s)model\.py.*ValueError: a bad row"):
        ask(opened, FINE, RAISES)

    assert pid_of(opened) == pid


@pytest.mark.parametrize(("value", "said"), [(DIES, "SIGSEGV"), (HANGS, "SIGALRM")])
def test_a_death_is_told_at_once_and_another_process_comes(worker, value, said):
    execution = worker(call_limit_s=0.5)
    execution.open()
    pid = pid_of(execution)

    with pytest.raises(ModelDied, match=said):
        ask(execution, value)
    execution.recover()

    assert pid_of(execution) != pid
    assert execution.delay_s() == 0


def test_at_its_memory_limit_it_says_so_and_is_replaced(worker):
    execution = worker(memory_limit_bytes=300 << 20)
    execution.open()
    pid = pid_of(execution)

    with pytest.raises(ModelDied, match="out of memory"):
        ask(execution, GROWS)
    execution.recover()

    assert pid_of(execution) != pid


def test_a_model_that_does_not_fit_is_refused_with_both_figures(worker):
    with pytest.raises(InvalidModel, match=r"takes \d+ MB .* memory_mb allows 1$"):
        worker(memory_limit_bytes=1 << 20).open()


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
        worker().open()


def test_a_batch_whose_time_is_over_never_reaches_the_model(opened):
    with pytest.raises(DeadlineExceeded):
        ask(opened, FINE, within_s=-1)

    assert ask(opened, FINE)["calls"] == [1]


def test_a_batch_that_had_not_begun_is_innocent_of_a_death(opened, worker):
    other = worker()
    other.open()

    with ThreadPoolExecutor(2) as threads:
        sleeps = threads.submit(ask, opened, SLEEPS)
        eventually(lambda: opened._connection is not None and not sleeps.done())
        dies = threads.submit(ask, other, DIES)
        slept = sleeps.result(20)["y"]
        assert isinstance(dies.exception(20), ModelDied)
    with pytest.raises(Interrupted):
        ask(opened, FINE)
    opened.recover()

    assert slept == [2 * SLEEPS]
    assert ask(opened, FINE)["y"] == [2 * FINE]


def test_a_process_that_replaces_another_is_warm(opened):
    ask(opened, FINE, FINE)
    with pytest.raises(ModelDied):
        ask(opened, DIES)
    opened.recover()

    assert ask(opened, FINE)["calls"] == [2]


def test_while_it_is_away_the_delay_is_that_of_a_start(opened):
    opened._load_s = 7.0
    with pytest.raises(ModelDied):
        ask(opened, DIES)

    assert 5 < opened.delay_s() <= 7
    opened.recover()
    assert opened.delay_s() == 0


def test_early_ends_put_starts_ever_further_apart(opened, monkeypatch):
    for _ in range(2):
        with pytest.raises(ModelDied):
            ask(opened, DIES)
        opened.recover()
    monkeypatch.setattr(launch, "BACKOFF_FIRST_S", 10)
    with pytest.raises(ModelDied):
        ask(opened, DIES)

    wait_s = eventually(lambda: away(opened._launcher.start()))
    monkeypatch.setattr(launch, "BACKOFF_MOST_S", 15)

    assert 15 < wait_s <= 40
    assert 0 < opened._launcher.start() <= 15


def away(wait_s):
    """The wait until a start, once the process that has ended lets go of the lock."""
    return wait_s if wait_s > launch.LOOK_S else None


def test_what_ended_it_is_known_to_every_worker(opened, worker):
    other = worker()

    opened.quarantine.accuse([{"x": np.array([DIES])}])

    assert other.quarantine.judge({"x": np.array([DIES])}) == "suspect"


def test_a_changed_folder_is_another_process(opened, worker, folder):
    (folder / "weights.txt").write_text("new")
    other = worker()
    other.open()

    assert pid_of(other) != pid_of(opened)
