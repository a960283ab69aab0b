"""A machine that is not Linux, as far as one can be shown here: no /proc, no cgroups, no calls."""

import os
import shlex
import shutil
import subprocess
import sys

import pytest
import requests

from tests.conftest import PROJECT, eventually, framework
from tests.live.instance import WEB, Instance
from tests.live.namespace import inside
from tests.live.test_add import THERMOMETER, TRAIN

EMPTY = "mount -t tmpfs none /proc; mount -t tmpfs none /sys/fs/cgroup"
VARIABLES = {"PYTHONPATH": str(PROJECT / "tests/data/elsewhere")}
PLATFORMS = ("shop", "digits", "thermometer", "flowers")


def elsewhere(*command):
    done = subprocess.run(
        ["sh", "-c", inside("--mount", EMPTY, shlex.join(map(str, command)))],
        cwd=PROJECT,
        env=os.environ | VARIABLES,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A model of every platform, added there; each in a thread and in a process."""
    framework("skops", "make install-sklearn")
    framework("openvino", "make install-keras")
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "train.py").write_text(TRAIN)
    (folder / "thermometer.py").write_text(THERMOMETER)
    shutil.copy(PROJECT / "tests/data/digits-keras/model.keras", folder / "digits.keras")
    shutil.copy(PROJECT / "config/models/iris/model.onnx", folder / "flowers.onnx")
    subprocess.run([sys.executable, "train.py"], cwd=folder, check=True)
    models = folder / "models"
    models.mkdir()
    for file in ("shop.skops", "digits.keras", "thermometer.py", "flowers.onnx"):
        elsewhere(sys.executable, "-m", "service.models", "--models", models, "add", folder / file)
    for name in PLATFORMS:
        toml = (models / name / "model.toml").read_text()
        for place in ("thread", "process"):
            copy = shutil.copytree(models / name, models / f"{name}-{place}")
            (copy / "model.toml").write_text(f'{toml}\n[serve]\nexecution = "{place}"\n')
        shutil.rmtree(models / name)
    return models


def test_every_platform_answers_in_a_thread_and_in_a_process(repository, tmp_path):
    command = inside("--mount", EMPTY, WEB)
    with Instance(
        tmp_path, ready=False, command=command, WEIR_MODELS=str(repository), **VARIABLES
    ) as instance:
        ready = r'"event":"model_ready"'
        eventually(lambda: instance.log.read_text().count(ready) == 8, within_s=90)
        for name in PLATFORMS:
            answers = []
            for place in ("thread", "process"):
                url = f"{instance.url}/models/{name}-{place}"
                example = requests.get(f"{url}/example", timeout=10).json()
                answer = requests.post(f"{url}/predict", json=example, timeout=30)
                assert answer.status_code == 200, answer.text
                answers.append(answer.json()["response"])
            assert answers[0] == answers[1]
        assert requests.get(f"{instance.url}/readyz", timeout=5).ok
        assert "model_predictions_total" in requests.get(f"{instance.url}/metrics", timeout=5).text
        assert instance.stop() == 0
        said = instance.log.read_text()
    assert "What of the memory is in use cannot be read on this system" in said
    assert "Traceback" not in said


def test_check_says_what_it_cannot_measure(repository):
    said = elsewhere(
        sys.executable, "-m", "service.models", "--models", repository, "check", "flowers-thread"
    ).stdout

    assert "latency of one call" in said
    assert "memory: missing; this system does not tell what its processes take" in said
    assert " 0 MB" not in said


@pytest.mark.parametrize("command", ["sweep"])
def test_a_measurement_says_what_it_needs(tmp_path, command):
    words = inside("--mount", EMPTY, f"{sys.executable} -m load {command} --out {tmp_path}/out")
    done = subprocess.run(
        ["sh", "-c", words],
        cwd=PROJECT,
        env=os.environ | VARIABLES,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 2
    assert "/proc" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr
