"""Starts of a model's process, and what is known of its ends."""

import errno
from pathlib import Path

import numpy as np
import pytest

from service.errors import InvalidModel, ModelDied
from service.inference.execution import launch
from tests.conftest import eventually
from tests.inference.execution.conftest import DIES, FINE, FOREVER, ask, pid_of


def test_while_it_is_away_the_delay_is_that_of_a_start(opened):
    opened._load_s = 7.0
    with pytest.raises(ModelDied):
        ask(opened, DIES)

    assert 5 < opened.delay_s() <= 7
    opened.recover(print)
    assert opened.delay_s() == 0


def test_ends_before_it_has_loaded_put_starts_ever_further_apart(worker, folder, monkeypatch):
    (folder / "at_load.txt").write_text("import ctypes; ctypes.string_at(0)")
    execution = worker()
    for _ in range(2):
        with pytest.raises(InvalidModel):
            execution.open(FOREVER)
    monkeypatch.setattr(launch, "BACKOFF_FIRST_S", 10)

    wait_s = eventually(lambda: away(execution._launcher.start()))
    monkeypatch.setattr(launch, "BACKOFF_MOST_S", 15)

    assert 15 < wait_s <= 80
    assert 0 < execution._launcher.start() <= 15


def test_ends_after_it_has_loaded_keep_nobody_waiting(opened, monkeypatch):
    for _ in range(5):
        with pytest.raises(ModelDied):
            ask(opened, DIES)
        opened.recover(print)
    monkeypatch.setattr(launch, "BACKOFF_FIRST_S", 10)
    with pytest.raises(ModelDied):
        ask(opened, DIES)

    assert eventually(lambda: away(opened._launcher.start())) <= 10


@pytest.mark.parametrize("content", [b"", b"[", b'{"a": 1}', b"[1]", b'["x", "y"]', b"\xff" * 99])
def test_notes_that_cannot_be_read_count_as_absent(opened, content):
    launcher = opened._launcher
    for path in (launcher._start, launcher.quarantine._path, Path(opened._brief.warm_up)):
        path.write_bytes(content)

    assert launcher.quarantine.judge({"x": np.array([1.0])}) == "innocent"
    with pytest.raises(ModelDied):
        ask(opened, DIES)
    opened.recover(print)
    assert ask(opened, FINE)["y"] == [2 * FINE]


def test_a_full_disk_costs_notes_and_no_request(opened, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    batch = [{"x": np.array([DIES])}]
    opened.quarantine.accuse(batch)
    assert opened.quarantine.judge(batch[0]) == "innocent"
    with pytest.raises(ModelDied):
        ask(opened, DIES)
    opened.recover(print)

    assert ask(opened, FINE)["y"] == [2 * FINE]


def away(wait_s):
    """The wait until a start, once the process that has ended lets go of the lock."""
    return wait_s if wait_s > launch.LOOK_S else None


def test_what_ended_it_is_known_to_every_worker(opened, worker):
    other = worker()

    opened.quarantine.accuse([{"x": np.array([DIES])}])

    assert other.quarantine.judge({"x": np.array([DIES])}) == "suspect"


def test_code_that_changed_outside_the_folder_is_another_process(
    worker, folder, tmp_path, monkeypatch
):
    package = tmp_path / "packages/scales.py"
    package.parent.mkdir()
    package.write_text("FACTOR = 1")
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    (folder / "at_load.txt").write_text("import scales; print(scales.FACTOR)")
    before = worker()
    before.open(FOREVER)
    package.write_text("FACTOR = 10")
    first, second = worker(), worker()
    for execution in (first, second):
        execution.open(FOREVER)

    assert pid_of(first) == pid_of(second) != pid_of(before)


def test_a_changed_folder_is_another_process(opened, worker, folder):
    (folder / "weights.txt").write_text("new")
    other = worker()
    other.open(FOREVER)

    assert pid_of(other) != pid_of(opened)
