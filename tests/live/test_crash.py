"""What dies is replaced, what cannot start is tried again, and nobody else goes with it."""

import os
import re
import shutil
import signal
import threading
import time

import pytest
import requests

from tests.conftest import CAT, PROJECT, eventually
from tests.live.clients import Clients
from tests.live.instance import WEB, Instance

CLIENTS = 32
ECHOES = "http_requests_total"


def total(instance):
    """Requests counted over all workers, or None while no worker answers."""
    try:
        return instance.metric("http_requests_total")
    except requests.ConnectionError:
        return None


def test_a_killed_worker_costs_only_its_requests_under_way(tmp_path):
    with Instance(tmp_path, WEB_CONCURRENCY="2") as instance:
        totals, stop = [], threading.Event()

        def scrape():
            while not stop.is_set():
                totals.append(total(instance))
                time.sleep(0.05)

        scraper = threading.Thread(target=scrape)
        scraper.start()
        with Clients(instance.port, CLIENTS) as clients:
            eventually(lambda: clients.account.answered > 500)
            victim = instance.workers()[0]
            os.kill(victim, signal.SIGKILL)
            eventually(
                lambda: len(instance.lines(event="model_ready", model="cat-or-dog")) == 3,
                within_s=10,
            )
            answered = clients.account.answered
            eventually(lambda: clients.account.answered > answered + 500)
        stop.set()
        scraper.join()

        assert victim not in instance.workers()
        assert len(instance.workers()) == 2
        assert len(clients.account.lost) <= CLIENTS
        assert clients.account.refused_connections == 0
        counted = [value for value in totals if value is not None]
        assert counted == sorted(counted)
        eventually(lambda: instance.metric("http_requests_in_flight") == 1)
        # The kill may fall between an answer and its count, once: a worker does one at a time.
        assert instance.metric("http_requests_total", route="/") >= clients.account.answered - 1


def test_restarts_leave_the_number_of_metric_files_as_it_was(tmp_path):
    with Instance(tmp_path, PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "metrics")) as instance:
        requests.get(instance.url, timeout=10)
        eventually(lambda: instance.metric(ECHOES, route="/") == 1)
        (folder,) = (tmp_path / "metrics").iterdir()
        before = sorted(path.name for path in folder.iterdir())
        for generation in range(2, 6):
            os.kill(instance.workers()[0], signal.SIGKILL)
            eventually(
                lambda g=generation: (
                    len(instance.lines(event="model_ready", model="cat-or-dog")) == g
                )
            )
            requests.get(instance.url, timeout=10)
            eventually(lambda g=generation: instance.metric(ECHOES, route="/") == g)

        assert sorted(path.name for path in folder.iterdir()) == before


def test_without_its_master_a_worker_leaves_and_the_port_is_free(tmp_path):
    with Instance(tmp_path, WEB_CONCURRENCY="2") as instance:
        workers = instance.workers()
        instance.process.kill()
        instance.process.wait(10)
        eventually(lambda: not any(is_alive(pid) for pid in workers))

        with pytest.raises(requests.ConnectionError):
            requests.get(instance.url, timeout=5)


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def saboteur(tmp_path):
    """A module that every worker imports, ours to make fail or hang while a file exists."""
    folder = tmp_path / "sabotage"
    folder.mkdir()
    (folder / "pybase64.py").write_text(
        "import pathlib, sys, time\n"
        f"folder = pathlib.Path({str(folder)!r})\n"
        "while (folder / 'hang').exists(): time.sleep(0.1)\n"
        "if (folder / 'fail').exists(): raise RuntimeError('sabotage')\n"
        "def b64decode(*_, **__): raise ValueError\n"
    )
    return folder


def test_a_worker_that_hangs_while_it_boots_is_ended_and_another_tries(tmp_path, saboteur):
    # Longer than a boot takes beside another test, and shorter than a probe waits.
    command = WEB.replace("gunicorn ", "gunicorn --timeout 4 ")
    with Instance(tmp_path, command=command, PYTHONPATH=str(saboteur)) as instance:
        (saboteur / "hang").touch()
        os.kill(instance.workers()[0], signal.SIGKILL)
        eventually(lambda: ended_by_alarm(instance))
        (saboteur / "hang").unlink()

        eventually(instance.is_ready)


def ended_by_alarm(instance):
    return [line for line in instance.lines() if "SIGALRM" in line["event"]]


def test_a_worker_that_cannot_boot_later_does_not_take_the_master_down(tmp_path, saboteur):
    with Instance(tmp_path, PYTHONPATH=str(saboteur)) as instance:
        (saboteur / "fail").touch()
        os.kill(instance.workers()[0], signal.SIGKILL)
        failed = "Worker failed to boot; another will try"
        eventually(lambda: len(instance.lines(event=failed)) >= 2)
        (saboteur / "fail").unlink()

        eventually(instance.is_ready)
        assert instance.process.poll() is None


def test_an_application_that_never_could_start_stops_the_start(tmp_path, saboteur):
    (saboteur / "fail").touch()

    with Instance(tmp_path, ready=False, PYTHONPATH=str(saboteur)) as instance:
        assert instance.process.wait(20) == 3


def test_a_model_that_fails_is_told_once_tried_again_and_then_serves(tmp_path):
    repository = tmp_path / "models"
    folder = shutil.copytree(CAT.parent, repository / "cat-or-dog")
    (folder / "model.onnx").write_bytes(b"not a graph")

    with Instance(tmp_path, ready=False, WEIR_MODELS=str(repository)) as instance:
        eventually(lambda: instance.log.read_text() and instance.lines(event="model_failed"))
        unready = requests.get(instance.url + "/readyz", timeout=10)
        alive = requests.get(instance.url + "/healthz", timeout=10)
        refused = requests.post(
            instance.url + "/models/cat-or-dog/predict",
            data=CAT.read_bytes(),
            headers={"Content-Type": "image/jpeg"},
            timeout=10,
        )
        shutil.copy(PROJECT / "config/models/cat-or-dog/model.onnx", folder / "model.onnx")
        eventually(instance.is_ready)

        assert unready.status_code == 503
        (reason,) = unready.json()["reasons"]
        assert (reason["reason"], reason["model"]) == ("model_failed", "cat-or-dog")
        assert reason["detail"]
        assert alive.status_code == 200
        assert refused.status_code == 503
        assert refused.headers["Retry-After"] == "1"
        (failure,) = instance.lines(event="model_failed")
        assert failure["reason"]
        assert instance.lines(event="model_ready", model="cat-or-dog")


def test_a_hub_that_stands_still_is_one_line_with_the_stack_and_shows_in_the_metrics(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import time, urllib.parse\n"
        "def compute(_):\n"
        "    end = time.perf_counter() + 1.5\n"
        "    while time.perf_counter() < end: pass\n"
        "    return ''\n"
        "urllib.parse.urlencode = compute\n"
    )
    with Instance(tmp_path, PYTHONPATH=str(tmp_path)) as instance:
        answer = requests.get(instance.url + "/models/iris", timeout=60)
        requests_ms = answer.elapsed.total_seconds() * 1000
        assert answer.status_code == 200
        (line,) = eventually(lambda: instance.lines(event="hub_blocked"))

        assert line["level"] == "warning"
        # It is what was lost, within a look of the monitor's, and not the moment of telling.
        assert 1000 <= line["blocked_ms"] <= requests_ms
        assert line["lasts"] is False
        assert any("/service/" in frame for frame in line["stack"])
        scraped = requests.get(instance.url + "/metrics", timeout=10).text
        lag = r"^worker_hub_lag_seconds_%s (\S+)$"  # of one scrape: the hub goes on ticking
        (on_time,) = re.findall(lag % r'bucket\{le="0.2"\}', scraped, re.MULTILINE)
        (ticks,) = re.findall(lag % "count", scraped, re.MULTILINE)
        assert float(ticks) == float(on_time) + 1
