"""What is changed on disk is served after a reload and after a handover, and not before."""

import os
import re
import shutil
import signal
from pathlib import Path

import pytest
import requests

from tests.conftest import PROJECT, eventually
from tests.live.instance import Instance

MODEL = """
import numpy as np

class Drawing:
    example = {"x": 1.0}

    def load(self):
        pass

    def predict(self, batch):
        return {"drawn": np.random.rand(len(batch["x"])), "factor": batch["x"] * FACTOR}
"""
TOML = """
platform = "python"
file = "model.py"
version = "1"
[input.x]
dtype = "float64"
[serve]
execution = "thread"
batch_rows = 1
"""


@pytest.fixture
def checkout(tmp_path):
    """A copy of what is served, with one model of own code."""
    copy = tmp_path / "checkout"
    for name in ("service", "config"):
        shutil.copytree(PROJECT / name, copy / name, ignore=shutil.ignore_patterns("models"))
    shutil.copytree(PROJECT / "service/models", copy / "service/models")
    shutil.copy(PROJECT / "gunicorn.conf.py", copy)
    folder = copy / "config/models/drawing"
    folder.mkdir(parents=True)
    (folder / "model.toml").write_text(TOML)
    change(copy, 1)
    return copy


def change(checkout, number):
    """Let the model's code and the service's own say *number*."""
    (checkout / "config/models/drawing/model.py").write_text(MODEL.replace("FACTOR", str(number)))
    echo = checkout / "service/api/echo.py"
    told = re.sub(r'"success": (True|\d+)', f'"success": {number}', echo.read_text())
    echo.write_text(told)
    # Of the service's own modules Python takes what it has compiled, by size and second.
    os.utime(echo, (number, number))


def said(instance):
    """The number that the service's code says, and that of the model's."""
    echoed = requests.get(f"{instance.url}/?msg=a", timeout=10).json()["success"]
    asked = requests.post(f"{instance.url}/models/drawing/predict", json={"x": 1.0}, timeout=10)
    return echoed, asked.json()["response"]["factor"]


def loads(instance):
    return len(instance.lines(event="model_ready"))


def test_a_reload_and_a_handover_serve_what_has_changed(checkout, tmp_path):
    with Instance(tmp_path, project=checkout, WEB_CONCURRENCY="2") as instance:
        assert said(instance) == (1, 1.0)

        change(checkout, 2)
        assert said(instance) == (1, 1.0)
        instance.process.send_signal(signal.SIGHUP)
        eventually(lambda: loads(instance) >= 4, 40)
        eventually(lambda: {said(instance) for _ in range(8)} == {(2, 2.0)}, 40)

        change(checkout, 3)
        instance.process.send_signal(signal.SIGUSR2)
        eventually(lambda: loads(instance) >= 6, 40)
        (new,) = set(_masters(instance)) - {instance.process.pid}
        try:
            os.kill(instance.process.pid, signal.SIGTERM)
            eventually(lambda: {said(instance) for _ in range(8)} == {(3, 3.0)}, 40)
        finally:
            os.kill(new, signal.SIGTERM)
            eventually(lambda: not Path(f"/proc/{new}/fd/0").exists(), 40)


def test_each_worker_draws_by_itself(checkout, tmp_path):
    with Instance(tmp_path, project=checkout, WEB_CONCURRENCY="4") as instance:
        drawn = []
        for _ in range(40):  # each on a connection of its own
            asked = requests.post(
                f"{instance.url}/models/drawing/predict", json={"x": 1.0}, timeout=10
            )
            drawn.append(asked.json()["response"]["drawn"])

        assert len(set(drawn)) == len(drawn)
        assert len({line["pid"] for line in instance.lines(event="http_request")}) > 1


def _masters(instance):
    lines = instance.lines()
    return [line["pid"] for line in lines if "Listening at" in str(line["event"])]
