"""A model's files while it is served: what is answered is always one whole version."""

import os
import shutil
import signal
from pathlib import Path

import pytest
import requests

from tests.conftest import PROJECT, eventually
from tests.live.instance import Instance

CLASS = """
class Model:
    example = {{"{name}": 1.0}}

    def load(self):
        pass

    def predict(self, batch):
        return batch["{name}"] * {factor}
"""
TOML = """
platform = "python"
file = "model.py"
version = "{version}"

[input.{name}]
dtype = "float64"
"""


def write(folder, version, name, factor):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.py").write_text(CLASS.format(name=name, factor=factor))
    (folder / "model.toml").write_text(TOML.format(version=version, name=name))


def ask(url, model="double", **row):
    answer = requests.post(f"{url}/models/{model}/predict", json=row, timeout=30)
    said = answer.json()
    return said["model"]["version"], said["response"]["value"] if answer.ok else None


def model_processes(instance):
    """The processes of models that this instance started: theirs is its process group's session."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
            variables = (path.parent / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if (
            b"service.inference.execution.host" in words
            and f"PORT={instance.port}".encode() in variables
        ):
            found.append(int(path.parent.name))
    return found


@pytest.fixture
def models(tmp_path):
    write(tmp_path / "models/double", "1", "x", 2)
    return tmp_path / "models"


def test_a_replaced_model_is_served_as_it_was_until_its_process_ends_and_then_as_it_is(
    models, tmp_path
):
    with Instance(tmp_path, WEIR_MODELS=str(models), WEB_CONCURRENCY="2") as instance:
        assert ask(instance.url, x=3) == ("1", 6.0)

        write(models / "double", "2", "y", 10)
        assert ask(instance.url, x=3) == ("1", 6.0)

        for pid in model_processes(instance):
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: answered_by_all(instance, y=3) == {("2", 30.0)}, 60)


def answered_by_all(instance, **row):
    """Every answer of both workers, or nothing while one is still the old one or loads."""
    found = set()
    for _ in range(12):
        answer = requests.post(instance.url + "/models/double/predict", json=row, timeout=30)
        if answer.status_code not in {200, 422, 503}:
            pytest.fail(answer.text)
        said = answer.json()
        found.add((said["model"]["version"], said["response"]["value"]) if answer.ok else None)
    return found


def test_a_folder_that_is_half_there_is_no_version_until_it_is_whole(models, tmp_path):
    iris = PROJECT / "config/models/iris"
    folder = models / "flowers"
    folder.mkdir()
    artefact = (iris / "model.onnx").read_bytes()
    (folder / "model.onnx").write_bytes(artefact[: len(artefact) // 2])
    for name in ("model.toml", "example.json"):
        shutil.copy(iris / name, folder)
    with Instance(tmp_path, ready=False, WEIR_MODELS=str(models)) as instance:
        eventually(lambda: state_of(instance, "flowers") == "failed", 60)
        eventually(lambda: state_of(instance, "double") == "ready", 60)
        assert ask(instance.url, x=3) == ("1", 6.0)

        (folder / "model.onnx").write_bytes(artefact)
        eventually(lambda: state_of(instance, "flowers") == "ready", 60)


def state_of(instance, name):
    try:
        listed = requests.get(instance.url + "/models", timeout=30).json()["models"]
    except requests.ConnectionError:
        return None
    return {model["name"]: model["state"] for model in listed}.get(name)


def test_a_link_that_is_turned_to_another_version_is_that_one_at_the_next_start(models, tmp_path):
    """As a ConfigMap, and most deployments, put a new release in the place of the old."""
    shutil.move(models / "double", tmp_path / "one")
    write(tmp_path / "two", "2", "y", 10)
    (models / "double").symlink_to(tmp_path / "one")
    with Instance(tmp_path, WEIR_MODELS=str(models)) as instance:
        assert ask(instance.url, x=3) == ("1", 6.0)

        (tmp_path / "link").symlink_to(tmp_path / "two")
        (tmp_path / "link").rename(models / "double")
        assert ask(instance.url, x=3) == ("1", 6.0)
        for pid in model_processes(instance):
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: answered_by_all(instance, y=3) == {("2", 30.0)}, 60)


def test_a_model_that_is_renamed_under_way_is_told_to_be_gone_and_harms_no_other(models, tmp_path):
    write(models / "other", "1", "x", 5)
    with Instance(tmp_path, WEIR_MODELS=str(models)) as instance:
        (models / "double").rename(models / "renamed")
        assert ask(instance.url, x=3) == ("1", 6.0)

        for pid in model_processes(instance):
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: state_of(instance, "double") == "failed", 60)
        eventually(lambda: answer_of(instance, "other") == 15.0, 60)


def answer_of(instance, model):
    answer = requests.post(f"{instance.url}/models/{model}/predict", json={"x": 3}, timeout=30)
    return answer.json()["response"]["value"] if answer.ok else None
