"""What in a repository is a model, and what is not."""

import os
import subprocess
import sys

import pytest

from service.inference.repository import models_in
from tests.conftest import PROJECT

ATOMIC = "..2026_01_15_08_00_00.123"


@pytest.fixture
def repository(tmp_path):
    def make(*folders):
        for folder in folders:
            (tmp_path / folder).mkdir(parents=True)
            (tmp_path / folder / "model.toml").touch()
        return tmp_path

    return make


def names(repository, told=()):
    found = models_in(repository, lambda path, _: told.append(path.name))
    return [(folder.name, [version.name for version in versions]) for folder, versions in found]


def test_a_configmap_of_models_has_those_that_it_shows(repository):
    folder = repository(f"{ATOMIC}/iris", f"{ATOMIC}/cats/1")
    (folder / "..data").symlink_to(ATOMIC)
    (folder / "iris").symlink_to("..data/iris")
    (folder / "cats").symlink_to("..data/cats")

    assert names(folder) == [("cats", ["1"]), ("iris", ["iris"])]


def test_a_configmap_in_a_models_folder_gives_it_no_versions(repository):
    folder = repository(f"iris/{ATOMIC}", "cats/1", f"cats/{ATOMIC}")
    (folder / "iris/..data").symlink_to(ATOMIC)
    (folder / "iris/model.toml").symlink_to("..data/model.toml")

    assert names(folder) == [("cats", ["1"]), ("iris", ["iris"])]


@pytest.mark.parametrize("hidden", [".git", ".ipynb_checkpoints", ".trash/1", "iris/.old"])
def test_hidden_names_are_no_models(repository, hidden):
    assert names(repository("iris/1", hidden)) == [("iris", ["1"])]


def test_what_cannot_be_followed_is_told_and_harms_nobody(repository):
    folder, told = repository("iris"), []
    (folder / "gone").symlink_to("nowhere")
    (folder / "circle").symlink_to("circle")
    (folder / "README.md").touch()
    (folder / "lost+found").mkdir()

    assert names(folder, told) == [("iris", ["iris"])]
    assert sorted(told) == ["circle", "gone"]


LIST = """
import os, sys
from pathlib import Path
from service.models import listing
os.setuid(65534)
listing.run(Path(sys.argv[1]))
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_what_another_user_may_not_read_is_told_and_harms_nobody(tmp_path):
    for name, mode in (("iris", 0o755), ("secret", 0o700)):
        folder = tmp_path / "models" / name
        folder.mkdir(parents=True)
        for file in ("model.toml", "model.onnx", "example.json"):
            (folder / file).write_bytes((PROJECT / "config/models/iris" / file).read_bytes())
        folder.chmod(mode)
    for above in [tmp_path, *tmp_path.parents][:-2]:
        above.chmod(0o755)

    done = subprocess.run(
        [sys.executable, "-c", LIST, tmp_path / "models"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert [line.split()[0] for line in done.stdout.splitlines()] == ["iris"], done.stderr
    assert done.stderr.endswith("secret: cannot be read, and is no model: Permission denied\n")
