"""A model's process: one for all workers, for as long as there is one, whatever becomes of them."""

import os
import signal
import socket
import struct
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.conftest import PROJECT, eventually
from tests.live.clients import Clients
from tests.live.instance import Instance, free_port
from tests.live.wire import Wire

ASK = "/models/slow/predict?x="
MODEL = """
import os, time

class Slow:
    def load(self): pass
    def predict(self, batch):
        time.sleep(max(0, batch["x"].max() - 100))
        return {"y": batch["x"] * 0 + os.getpid()}
"""
TOML = """
platform = "python"
file = "model.py"
[input.x]
[serve]
batch_rows = 1
[example]
file = "example.json"
"""


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "models/slow"
    folder.mkdir(parents=True)
    (folder / "model.py").write_text(MODEL)
    (folder / "model.toml").write_text(TOML)
    (folder / "example.json").write_text('{"x": 1}')
    return folder.parent


@pytest.fixture
def instance(tmp_path, repository):
    with Instance(tmp_path, WEIR_MODELS=str(repository), WEB_CONCURRENCY="2") as started:
        yield started


def process_of(url):
    """The pid of the model's process, which is its answer."""
    answer = requests.get(f"{url}{ASK}1", timeout=30)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["response"]["value"])


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_process_is_one_and_outlives_the_workers_that_it_serves(instance):
    first = process_of(instance.url)
    for number in (1, 2):
        os.kill(instance.workers()[0], signal.SIGKILL)
        eventually(lambda n=number: len(instance.lines(event="model_ready")) == 2 + n)

    assert {process_of(instance.url) for _ in range(10)} == {first}


def test_a_reload_keeps_the_process_unless_the_folder_has_changed(instance, repository):
    first = process_of(instance.url)
    with Clients(instance.port, count=4, path=f"{ASK}1") as clients:
        instance.process.send_signal(signal.SIGHUP)
        eventually(lambda: len(instance.lines(event="model_ready")) == 4)
        eventually(lambda: process_of(instance.url) == first)
        (repository / "slow/model.py").write_text(MODEL + "# another version\n")
        instance.process.send_signal(signal.SIGHUP)
        eventually(lambda: len(instance.lines(event="model_ready")) == 6)
        eventually(lambda: process_of(instance.url) != first)

    assert clients.account.lost == []
    assert clients.account.statuses <= {200, 503}  # a new worker may be asked while it loads
    eventually(lambda: not is_alive(first))


@contextmanager
def under_way(instance):
    """A request that the model is busy with."""
    with Wire(instance.port) as wire:
        wire.get(f"{ASK}102")
        eventually(lambda: instance.metric("model_queued_rows") == 1)
        yield wire


def test_a_platform_s_sigterm_to_every_process_loses_no_answer(instance):
    process = process_of(instance.url)

    with under_way(instance) as wire:
        for pid in (process, instance.process.pid):
            os.kill(pid, signal.SIGTERM)
        answer = wire.answer()

    assert answer.status == 200, answer.json
    assert instance.process.wait(30) == 0
    eventually(lambda: not is_alive(process))


def test_without_its_instance_the_process_leaves(instance):
    process = process_of(instance.url)

    for pid in (instance.process.pid, *instance.workers()):
        os.kill(pid, signal.SIGKILL)

    assert eventually(lambda: not is_alive(process))


def test_a_client_that_leaves_costs_no_call(instance):
    def calls():
        return instance.metric("model_batch_rows_count", model="slow")

    def abandoned():
        return instance.metric("model_predictions_total", outcome="abandoned")

    before = calls()
    with under_way(instance):
        for _ in range(8):
            with Wire(instance.port) as wire:
                wire.get(f"{ASK}1")
                # With a reset: one that only ends its side may still wait for its answer.
                wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        eventually(lambda: calls() + abandoned() == before + 9)

    assert abandoned() >= 1


def test_the_development_server_has_a_process_as_well(tmp_path, repository):
    port = free_port()
    command = [sys.executable, "-m", "flask", "--app", "service.wsgi", "run", "--port", str(port)]
    variables = {"WEIR_MODELS": str(repository), "TMPDIR": str(tmp_path)}
    server = subprocess.Popen(
        command,
        cwd=PROJECT,
        env=os.environ | variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: answers(url))
        process = process_of(url)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(20)

    assert eventually(lambda: not is_alive(process))
    assert eventually(lambda: not list(tmp_path.glob("weir-*")))


def answers(url):
    try:
        return requests.get(f"{url}/readyz", timeout=5).ok
    except requests.ConnectionError:
        return False


FRAGILE = """
import ctypes

class Fragile:
    def load(self): pass
    def predict(self, batch):
        if (batch["x"] < 0).any(): ctypes.string_at(0)
        return {"y": batch["x"] * 2}
"""


@pytest.fixture
def fragile(tmp_path, repository):
    (repository / "slow/model.py").write_text(FRAGILE)
    toml = TOML.replace("batch_rows = 1", "batch_rows = 1\nmemory_mb = 160")
    (repository / "slow/model.toml").write_text(toml)
    with Instance(tmp_path, WEIR_MODELS=str(repository), WEB_CONCURRENCY="2") as started:
        yield started


def test_payloads_that_end_it_put_the_model_away_for_a_moment_only(fragile):
    for number in range(6):
        eventually(lambda: requests.get(f"{fragile.url}{ASK}1", timeout=9).ok, within_s=10)
        ended = requests.get(f"{fragile.url}{ASK}{-1 - number}", timeout=9)
        assert ended.status_code == 500

    eventually(lambda: requests.get(f"{fragile.url}{ASK}1", timeout=9).ok, within_s=10)
    assert fragile.metric("model_process_ends_total", model="slow", stage="batch") == 6
    assert len(fragile.lines(event="model_process_ended", stage="batch")) == 6


def test_an_end_between_requests_is_told_once_and_mended_before_the_next(instance):
    first = process_of(instance.url)
    os.kill(first, signal.SIGKILL)

    (line,) = eventually(lambda: instance.lines(event="model_process_ended"))
    assert (line["stage"], line["model"]) == ("idle", "slow")
    assert process_of(instance.url) != first
    assert instance.metric("model_process_ends_total", stage="idle") == 1
    assert len(instance.lines(event="model_process_ended")) == 1
