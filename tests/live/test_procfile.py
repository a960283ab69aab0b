"""The Procfile's line as platforms run it, with the variables that they set."""

import os
import sys
from pathlib import Path

import requests

from tests.conftest import CAT, PROJECT, eventually
from tests.live.instance import Instance

# What Heroku's Python buildpack exports at a dyno's start, whatever the app configures.
BUILDPACK = {
    "FORWARDED_ALLOW_IPS": "*",
    "GUNICORN_CMD_ARGS": "--access-logfile -",
    "WEB_CONCURRENCY": "2",
    "PYTHONUNBUFFERED": "true",
    "DYNO": "web.1",
}


def test_a_dyno_s_variables_change_nothing_that_they_should_not(tmp_path):
    router = {
        "X-Forwarded-For": "6.6.6.6, 198.51.100.7",
        "X-Forwarded-Proto": "https",
        "X-Request-ID": "router-0123456789-abcdef",
    }
    with Instance(tmp_path, **BUILDPACK) as dyno:
        assert len(dyno.workers()) == 2
        answer = requests.get(dyno.url + "/?msg=Hello", headers=router, timeout=10)
        card = requests.get(dyno.url + "/models/cat-or-dog", headers=router, timeout=10).json()

        (line,) = eventually(lambda: dyno.lines(request_id=router["X-Request-ID"], path="/"))
        assert answer.json() == {"response": "Hello", "success": True}
        assert line["client_ip"] == "198.51.100.7"
        assert card["model"]["predict"].startswith("https://")
        # One line a request: json.loads in lines() has refused any that Gunicorn would add.
        assert len(dyno.lines(event="http_request", status=200, path="/")) == 1


def test_two_instances_on_one_machine_keep_their_metrics_apart(tmp_path):
    shared = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics")}
    with Instance(tmp_path, **shared) as one, Instance(tmp_path, **shared) as other:
        for _ in range(5):
            requests.get(one.url, timeout=10)
        requests.get(other.url, timeout=10)

        eventually(lambda: one.metric("http_requests_total", route="/") == 5)
        eventually(lambda: other.metric("http_requests_total", route="/") == 1)
        assert len(list((tmp_path / "metrics").iterdir())) == 2

    assert list((tmp_path / "metrics").iterdir()) == []


def test_a_restart_starts_its_counters_anew(tmp_path):
    for _ in range(2):
        with Instance(tmp_path) as instance:
            requests.get(instance.url, timeout=10)
            eventually(lambda i=instance: i.metric("http_requests_total", route="/") == 1)


def test_an_instance_is_alive_before_its_models_are_ready(tmp_path):
    with Instance(tmp_path, ready=False) as instance:
        answer = eventually(lambda: probe(instance.url + "/healthz"))
        eventually(instance.is_ready)
        (ready,) = instance.lines(event="model_ready", model="cat-or-dog")

    assert answer.status_code == 200
    assert ready["load_ms"] > 0


def test_stopping_is_told_and_leaves_nothing_behind(tmp_path):
    with Instance(tmp_path) as instance:
        instance.stop()

        assert instance.lines(event="Handling signal: term")
        assert instance.lines(event="Shutting down: Master")
        (made,) = [line["event"] for line in instance.lines() if "Metrics dir" in line["event"]]
        assert not Path(made.removeprefix("Metrics directory: ")).exists()


def test_a_signal_to_make_reaches_the_instance(tmp_path):
    folder = tmp_path / "venv"
    folder.mkdir()
    for part in ("bin", "lib", "pyvenv.cfg"):
        (folder / part).symlink_to(Path(sys.prefix, part))
    (folder / "serve").touch()  # says that the requirements have been installed
    make = f'make run PORT="$PORT" VENV="{os.path.relpath(folder, PROJECT)}"'
    with Instance(tmp_path, ready=False, command=make) as instance:
        eventually(instance.is_ready)
        instance.stop()
        eventually(lambda: probe(instance.url + "/healthz") is None)

    assert '"event":"Shutting down: Master"' in instance.log.read_text()


def test_a_photograph_is_classified_by_the_readme_s_first_command(tmp_path):
    with Instance(tmp_path, **BUILDPACK) as dyno:
        answer = requests.post(
            dyno.url + "/models/cat-or-dog/predict",
            data=CAT.read_bytes(),
            headers={"Content-Type": "image/jpeg"},
            timeout=10,
        )

    assert answer.json()["response"]["label"] == "cat"
    assert answer.json()["response"]["scores"]["cat"] >= 0.9


def probe(url):
    try:
        return requests.get(url, timeout=5)
    except requests.ConnectionError:
        return None
