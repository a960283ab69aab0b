"""Every start gets ready, however many models are opened at once."""

import os
import shutil
import subprocess
import sys

import pytest
import requests

from tests.conftest import PROJECT, also, eventually, framework
from tests.live.clients import IRIS
from tests.live.instance import Instance
from tests.live.test_add import TRAIN

STARTS = int(os.environ.get("STARTS", "4" if os.environ.get("WHOLE") else "2"))


@pytest.mark.parametrize("models", [8, *also(1, 3)])
def test_every_start_gets_ready(tmp_path, models):
    repository = tmp_path / "models"
    for number in range(models):
        shutil.copytree(PROJECT / "config/models/iris", repository / f"iris-{number}")

    for start in range(STARTS):
        folder = tmp_path / str(start)
        folder.mkdir()
        variables = {"WEB_CONCURRENCY": "2", "WEIR_MODELS": str(repository)}
        with Instance(folder, **variables) as instance:
            assert instance.is_ready()
            assert not instance.lines(event="model_failed")


def test_every_replacement_gets_ready(tmp_path):
    repository = tmp_path / "models"
    for number in range(3):
        shutil.copytree(PROJECT / "config/models/iris", repository / f"iris-{number}")
    variables = {"WEB_CONCURRENCY": "2", "WEIR_MODELS": str(repository)}

    with Instance(tmp_path, **variables) as instance:
        for reload in range(1, STARTS + 1):
            instance.process.send_signal(1)
            eventually(
                lambda r=reload: len(instance.lines(event="model_ready")) == 6 * (r + 1),
                within_s=30,
            )


PYTHON_MODEL = """
import hung

class Slow:
    def load(self): pass
    def predict(self, batch): return {"y": batch["x"] * 2}
"""
TOML = """
platform = "python"
file = "model.py"
[input.x]
[serve]
execution = "%s"
[example]
file = "example.json"
"""
# In native code, as an import that waits for a lock would.
HANGS = """
import os, pathlib
if pathlib.Path(__file__).with_name("hangs").exists():
    os.read(os.pipe()[0], 1)
"""


@pytest.mark.parametrize("execution", ["thread", "process"])
def test_a_model_whose_import_hangs_is_reported_while_the_others_serve(tmp_path, execution):
    repository, modules = tmp_path / "models", tmp_path / "modules"
    shutil.copytree(PROJECT / "config/models/iris", repository / "iris")
    modules.mkdir()
    (modules / "hung.py").write_text(HANGS)
    (modules / "hangs").touch()
    folder = repository / "slow"
    folder.mkdir()
    (folder / "model.py").write_text(PYTHON_MODEL)
    (folder / "model.toml").write_text(TOML % execution)
    (folder / "example.json").write_text('{"x": 1}')
    variables = {"WEIR_MODELS": str(repository), "WEIR_LOAD_TIMEOUT_S": "2"}

    with Instance(
        tmp_path, ready=False, PYTHONPATH=str(modules), WEB_CONCURRENCY="2", **variables
    ) as instance:
        eventually(lambda: len(instance.lines(event="model_ready", model="iris")) == 2)
        failed = eventually(lambda: instance.lines(event="model_failed", model="slow"))[0]
        assert failed["reason"] == "it has not loaded within 2 s"
        assert any("hung.py" in line for line in failed["stack"])
        for _ in range(10):
            assert requests.get(f"{instance.url}{IRIS}", timeout=5).status_code == 200
        unready = requests.get(f"{instance.url}/readyz", timeout=5).json()["reasons"]
        assert [reason["model"] for reason in unready] == ["slow"]
        assert "hung.py" not in str(unready)

        if execution == "thread":
            return  # whoever imports the module again waits for the import that hangs
        (modules / "hangs").unlink()
        eventually(lambda: len(instance.lines(event="model_ready", model="slow")) == 2, within_s=60)
        answer = requests.get(f"{instance.url}/models/slow/predict?x=3", timeout=5)
        assert answer.json()["response"] == {"value": 6}
        assert instance.stop() == 0


# Fails where another model is being loaded: it may import the same library, and of two threads that
# do, one can be given a module that is half made.
SOLITARY = """
import pathlib, time

class Solitary:
    def load(self):
        begun = pathlib.Path(%r)
        begun.touch(exist_ok=False)
        time.sleep(0.3)
        begun.unlink()

    def predict(self, batch): return {"y": batch["x"] * 2}
"""


def test_a_worker_loads_the_models_of_its_threads_one_after_the_other(tmp_path):
    repository = tmp_path / "models"
    for name in ("one", "two", "three"):
        (repository / name).mkdir(parents=True)
        (repository / name / "model.py").write_text(SOLITARY % str(tmp_path / "begun"))
        (repository / name / "model.toml").write_text(TOML % "thread")
        (repository / name / "example.json").write_text('{"x": 1}')

    with Instance(tmp_path, WEB_CONCURRENCY="1", WEIR_MODELS=str(repository)) as instance:
        eventually(instance.all_ready)
        assert not instance.lines(event="model_failed")


def test_models_of_every_platform_start_beside_one_another(tmp_path):
    framework("skops", "make install-sklearn")
    framework("openvino", "make install-keras")
    repository = tmp_path / "models"
    shutil.copytree(PROJECT / "config/models/iris", repository / "iris")
    (tmp_path / "train.py").write_text(TRAIN)
    shutil.copy(PROJECT / "tests/data/digits-keras/model.keras", tmp_path / "digits.keras")
    subprocess.run([sys.executable, "train.py"], cwd=tmp_path, check=True)
    for file in ("shop.skops", "digits.keras"):
        command = [sys.executable, "-m", "service.models", "--models", repository, "add"]
        subprocess.run([*command, tmp_path / file], cwd=PROJECT, check=True, capture_output=True)
    for execution in ("thread", "process"):
        folder = repository / f"python-{execution}"
        folder.mkdir()
        (folder / "model.py").write_text(PYTHON_MODEL.replace("import hung", ""))
        (folder / "model.toml").write_text(TOML % execution)
        (folder / "example.json").write_text('{"x": 1}')

    for start in range(max(1, STARTS // 2)):
        folder = tmp_path / str(start)
        folder.mkdir()
        variables = {"WEB_CONCURRENCY": "2", "WEIR_MODELS": str(repository)}
        with Instance(folder, ready=False, **variables) as instance:
            eventually(instance.all_ready, within_s=60)
            assert not instance.lines(event="model_failed")
