"""Workers are replaced without a gap: who leaves serves until others do, whatever goes wrong."""

import os
import signal
import time
from contextlib import contextmanager

import pytest

from tests.conftest import PROJECT, also, eventually
from tests.live.clients import Clients
from tests.live.instance import WEB, Instance
from tests.live.probes import Probes

LOADS_S = 4


MODEL = """
import pathlib, time

class Slow:
    def load(self):
        time.sleep(float(pathlib.Path(__file__).with_name("seconds").read_text()))
    def predict(self, batch):
        return {"y": batch["x"] * 2}
"""


TOML = """
platform = "python"
file = "model.py"
[input.x]
[serve]
execution = "thread"
[example]
file = "example.json"
"""


@pytest.fixture
def repository(tmp_path):
    """Models of which one takes some seconds to load, once `seconds` says so."""
    folder = tmp_path / "models/slow"
    folder.mkdir(parents=True)
    (folder / "model.py").write_text(MODEL)
    (folder / "model.toml").write_text(TOML)
    (folder / "example.json").write_text('{"x": 1}')
    (folder / "seconds").write_text("0")
    return folder.parent


def slow_down(repository):
    (repository / "slow/seconds").write_text(str(LOADS_S))


@contextmanager
def observed(instance):
    """Traffic and probes, of which none is lost, refused or kept waiting for more than a second."""
    with Clients(instance.port, count=8) as clients, Probes(instance) as probes:
        yield clients
        answered = clients.account.answered
        eventually(lambda: clients.account.answered > answered + 100)
    assert clients.account.lost == []
    assert clients.account.refused_connections == 0
    assert clients.account.statuses == {200}
    assert probes.statuses == {200}
    assert probes.longest_s < 1


def replaced(instance, old):
    return eventually(lambda: not set(old) & set(instance.workers()), within_s=40)


@pytest.mark.parametrize("workers", ["2", *also("1")])
def test_the_old_workers_serve_until_a_slow_model_has_loaded_in_the_new_ones(
    tmp_path, repository, workers
):
    with Instance(tmp_path, WEIR_MODELS=str(repository), WEB_CONCURRENCY=workers) as instance:
        slow_down(repository)
        old = instance.workers()
        with observed(instance):
            instance.process.send_signal(signal.SIGHUP)
            replaced(instance, old)
        assert len(instance.workers()) == int(workers)


@pytest.mark.parametrize("workers", ["1", *also("2")])
def test_a_worker_that_has_had_its_number_serves_until_its_successor_does(
    tmp_path, repository, workers
):
    variables = {"WEIR_MODELS": str(repository), "WEB_CONCURRENCY": workers}
    with Instance(tmp_path, WEIR_MAX_REQUESTS="2000", **variables) as instance:
        slow_down(repository)
        old = instance.workers()
        with observed(instance):
            replaced(instance, old)


def test_reloads_in_quick_succession_are_one_replacement_in_the_end(tmp_path, repository):
    with Instance(tmp_path, WEIR_MODELS=str(repository), WEB_CONCURRENCY="2") as instance:
        slow_down(repository)
        old = instance.workers()
        with observed(instance):
            for _ in range(4):
                instance.process.send_signal(signal.SIGHUP)
                time.sleep(0.4)  # within the loading of the one before
            replaced(instance, old)
            eventually(lambda: len(instance.workers()) == 2)


def test_the_end_does_not_wait_for_a_reload(tmp_path, repository):
    with Instance(tmp_path, WEIR_MODELS=str(repository), WEB_CONCURRENCY="2") as instance:
        (repository / "slow/seconds").write_text("60")
        instance.process.send_signal(signal.SIGHUP)
        eventually(lambda: len(instance.workers()) == 4)
        began = time.monotonic()
        assert instance.stop() == 0
        assert time.monotonic() - began < 15  # of the 30 that a platform gives


def refusals(instance):
    return [
        line
        for line in instance.lines(level="error")
        if str(line["event"]).startswith("Not reloaded")
    ]


def test_a_reload_without_the_models_keeps_what_runs(tmp_path, repository):
    with Instance(tmp_path, WEIR_MODELS=str(repository), WEB_CONCURRENCY="2") as instance:
        old = instance.workers()
        with observed(instance):
            repository.rename(tmp_path / "elsewhere")
            instance.process.send_signal(signal.SIGHUP)
            (refusal,) = eventually(lambda: refusals(instance))
            assert "WEIR_MODELS" in refusal["event"]
            assert instance.workers() == old
            (tmp_path / "elsewhere").rename(repository)
            instance.process.send_signal(signal.SIGHUP)
            replaced(instance, old)


@pytest.mark.parametrize(
    "broken", ["import nothing_of_that_name", *also("workers = (", "workers = 'x'")]
)
def test_a_reload_with_a_broken_configuration_keeps_what_runs(tmp_path, broken):
    conf = tmp_path / "conf.py"
    sound = (PROJECT / "gunicorn.conf.py").read_text()
    conf.write_text(sound)
    with Instance(tmp_path, command=WEB.replace("gunicorn.conf.py", str(conf))) as instance:
        old = instance.workers()
        with observed(instance):
            conf.write_text(sound + broken)
            instance.process.send_signal(signal.SIGHUP)
            eventually(lambda: refusals(instance))
            assert instance.workers() == old
            conf.write_text(sound)
            instance.process.send_signal(signal.SIGHUP)
            replaced(instance, old)


def test_a_reload_of_code_that_cannot_start_keeps_what_runs(tmp_path):
    hook = (
        "import os, sys, pathlib\n"
        f"mark = pathlib.Path({str(tmp_path / 'broken')!r})\n"
        "os.register_at_fork(after_in_child=lambda: mark.exists() and "
        "sys.modules.__setitem__('service.wsgi', None))\n"
    )
    (tmp_path / "sitecustomize.py").write_text(hook)
    with Instance(tmp_path, PYTHONPATH=str(tmp_path), WEB_CONCURRENCY="2") as instance:
        old = instance.workers()
        with observed(instance):
            (tmp_path / "broken").touch()
            instance.process.send_signal(signal.SIGHUP)
            eventually(lambda: instance.lines(event="Worker failed to boot; another will try"))
            assert set(old) <= set(instance.workers())
            (tmp_path / "broken").unlink()
            replaced(instance, old)


def test_a_new_master_that_cannot_start_harms_nobody(tmp_path):
    conf = tmp_path / "conf.py"
    sound = (PROJECT / "gunicorn.conf.py").read_text()
    conf.write_text(sound)
    with Instance(tmp_path, command=WEB.replace("gunicorn.conf.py", str(conf))) as instance:
        old = instance.workers()
        with observed(instance):
            conf.write_text("raise OSError('half a deploy')")
            instance.process.send_signal(signal.SIGUSR2)
            eventually(lambda: "half a deploy" in instance.log.read_text())
            eventually(lambda: instance.workers() == old)
            conf.write_text(sound)
            instance.process.send_signal(signal.SIGHUP)
            replaced(instance, old)


def test_an_instance_that_was_suspended_goes_on_with_its_workers(tmp_path):
    command = WEB.replace("service.wsgi", "--timeout 3 service.wsgi")
    with Instance(tmp_path, command=command, WEB_CONCURRENCY="2") as instance:
        workers = instance.workers()
        everybody = [instance.process.pid, *workers]
        for pid in everybody:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(7)  # what is tested: a time in which nothing runs
        for pid in everybody:
            os.kill(pid, signal.SIGCONT)
        with observed(instance):
            time.sleep(3)  # in which the master would have judged them

        assert instance.workers() == workers
        assert not instance.lines(level="critical")


def test_a_worker_that_stands_still_alone_is_replaced(tmp_path):
    command = WEB.replace("service.wsgi", "--timeout 3 service.wsgi")
    with Instance(tmp_path, command=command, WEB_CONCURRENCY="2") as instance:
        victim = instance.workers()[0]
        os.kill(victim, signal.SIGSTOP)
        eventually(lambda: victim not in instance.workers())


def test_what_a_killed_instance_has_left_is_swept_by_the_next_and_the_living_keep_theirs(tmp_path):
    shared = tmp_path / "shared"  # elsewhere than /dev/shm, where other instances come and go
    variables = {"PROMETHEUS_MULTIPROC_DIR": str(shared)}
    with Instance(tmp_path, **variables) as dead, Instance(tmp_path, **variables) as living:
        (left_behind,) = shared.glob(f"weir-{dead.port}-*")
        (lived_in,) = shared.glob(f"weir-{living.port}-*")
        for pid in (dead.process.pid, *dead.workers()):
            os.kill(pid, signal.SIGKILL)
        dead.process.wait(20)
        with Instance(tmp_path, **variables) as another:
            assert not left_behind.exists()
            assert lived_in.exists()
            assert living.metric("service_info") == 1
            assert another.lines()
            assert any(str(line["event"]).startswith("Swept what") for line in another.lines())
