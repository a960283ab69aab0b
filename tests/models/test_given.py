"""`add` with files that it would otherwise make: they stay as they are."""

import json
import shutil

import pytest

from tests.conftest import PROJECT
from tests.models.test_main import run


def test_a_model_toml_that_is_given_stays_as_it_is(tmp_path):
    given = tmp_path / "given"
    shutil.copytree(PROJECT / "config/models/iris", given)
    toml = (given / "model.toml").read_text() + '\n# mine: "kept"\n'
    (given / "model.toml").write_text(toml)
    (tmp_path / "models").mkdir()
    files = [given / name for name in ("model.onnx", "model.toml", "example.json")]

    done = run("--models", tmp_path / "models", "add", *files, "--name", "flowers")

    assert done.returncode == 0, done.stderr
    added = tmp_path / "models/flowers"
    assert (added / "model.toml").read_text() == toml
    assert (added / "example.json").read_text() == (given / "example.json").read_text()


@pytest.mark.parametrize(
    ("old", "new", "more", "said"),
    [
        ('platform = "onnx"', 'platform = "python"', [], "has platform python, not onnx"),
        (
            'file = "model.onnx"',
            'file = "example.json"',
            [],
            "has file example.json, not model.onnx",
        ),
        ("", "", ["--example", "{}"], "names its example; leave --example out"),
    ],
)
def test_a_model_toml_that_says_something_else_is_refused(tmp_path, old, new, more, said):
    shutil.copytree(PROJECT / "config/models/iris", tmp_path / "given")
    toml = tmp_path / "given/model.toml"
    toml.write_text(toml.read_text().replace(old, new, 1))
    (tmp_path / "models").mkdir()
    files = [tmp_path / "given" / name for name in ("model.onnx", "model.toml", "example.json")]

    done = run("--models", tmp_path / "models", "add", *files, *more)

    assert done.returncode == 2
    assert said in done.stderr
    assert list((tmp_path / "models").iterdir()) == []


def test_an_example_that_stands_beside_is_the_example(tmp_path):
    flower = {"measurements": [6.0, 3.0, 4.5, 1.5]}
    (tmp_path / "example.json").write_text(json.dumps(flower))
    (tmp_path / "models").mkdir()
    artefact = PROJECT / "config/models/iris/model.onnx"

    done = run("--models", tmp_path / "models", "add", artefact, tmp_path / "example.json")

    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "models/model/example.json").read_text()) == flower


def test_two_files_of_one_name_are_refused(tmp_path):
    (tmp_path / "model.onnx").touch()

    done = run("add", "config/models/iris/model.onnx", tmp_path / "model.onnx")

    assert done.returncode == 2
    assert "two of the files are called model.onnx" in done.stderr
