"""One model by itself is a repository of one."""

import shutil

import pytest

from service.errors import InvalidModel
from service.inference.manifest.reading import read_manifest
from service.inference.repository import models_in
from service.inference.single import is_single, presented
from tests.conftest import PROJECT

IRIS = PROJECT / "config/models/iris"


def found(path, name, tmp_path):
    """The names and versions' folders that are presented for *path*."""
    assert is_single(path, name)
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    repository = presented(path, name, scratch)
    return {each.name: versions for each, versions in models_in(repository, lambda *_: None)}


@pytest.fixture
def bare(tmp_path):
    """A folder with a model's file and no model.toml."""
    folder = tmp_path / "mnt/models"
    folder.mkdir(parents=True)
    shutil.copy(IRIS / "model.onnx", folder)
    return folder


def test_a_models_own_folder(tmp_path):
    ((name, (folder,)),) = found(IRIS, "", tmp_path).items()

    assert name == "iris"
    assert read_manifest(folder).description.startswith("Which iris")
    assert "flower" in found(IRIS, "flower", tmp_path)


@pytest.mark.parametrize("name", ["", "iris"])
def test_a_folder_with_a_file_and_no_more(bare, tmp_path, name):
    ((called, (folder,)),) = found(bare, name, tmp_path).items()

    assert called == (name or "models")
    told = read_manifest(folder)
    assert (told.platform, told.version, told.artefact.name) == ("onnx", "1", "model.onnx")
    assert told.artefact.read_bytes() == (IRIS / "model.onnx").read_bytes()


def test_a_file(bare, tmp_path):
    file = (bare / "model.onnx").rename(bare / "flowers.onnx")

    ((called, (folder,)),) = found(file, "", tmp_path).items()

    assert called == "flowers"
    assert read_manifest(folder).artefact.name == "flowers.onnx"


def test_a_file_beside_its_model_toml(tmp_path):
    ((called, (folder,)),) = found(IRIS / "model.onnx", "flower", tmp_path).items()

    assert called == "flower"
    assert read_manifest(folder).description.startswith("Which iris")


def test_versions_of_one_model(tmp_path):
    for version in ("1", "2"):
        shutil.copytree(IRIS, tmp_path / "many" / version)

    ((called, folders),) = found(tmp_path / "many", "iris", tmp_path).items()

    assert (called, [folder.name for folder in folders]) == ("iris", ["1", "2"])


def test_a_folder_around_the_models_own(tmp_path):
    shutil.copytree(IRIS, tmp_path / "mnt/anything")

    ((called, (folder,)),) = found(tmp_path / "mnt", "iris", tmp_path).items()

    assert called == "iris"
    assert read_manifest(folder).version == "1"


def test_several_that_a_name_is_given_for(tmp_path):
    with pytest.raises(InvalidModel, match=r"several models, cat-or-dog, iris"):
        found(PROJECT / "config/models", "iris", tmp_path)


def test_files_of_which_none_or_several_are_the_model(bare, tmp_path):
    shutil.copy(bare / "model.onnx", bare / "other.onnx")
    (bare / "notes.txt").write_text("no model")
    assert list(found(bare, "iris", tmp_path)) == ["iris"]  # model.onnx is the one

    (bare / "model.onnx").rename(bare / "third.onnx")
    with pytest.raises(InvalidModel, match=r"several models: other.onnx, third.onnx; name one"):
        found(bare, "iris", tmp_path)

    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InvalidModel, match="is a folder; add the model's file in it"):
        found(empty, "iris", tmp_path)


def test_what_comes_and_goes_beside_the_file(bare, tmp_path):
    found(bare, "iris", tmp_path)
    (bare / "labels.txt").write_text("a\nb\n")
    ((_, (folder,)),) = found(bare, "iris", tmp_path).items()
    assert (folder / "labels.txt").read_text() == "a\nb\n"

    (bare / "labels.txt").unlink()
    ((_, (folder,)),) = found(bare, "iris", tmp_path).items()
    assert not (folder / "labels.txt").is_symlink()


def test_a_repository_is_none():
    assert not is_single(PROJECT / "config/models", "")


def test_a_model_toml_that_comes_and_goes_and_nothing_is_written_into_the_folder(bare, tmp_path):
    for toml in (False, True, False):
        if toml:
            shutil.copy(IRIS / "model.toml", bare)
            shutil.copy(IRIS / "example.json", bare)
        else:
            (bare / "model.toml").unlink(missing_ok=True)
        ((_, (folder,)),) = found(bare, "iris", tmp_path).items()
        assert bool(read_manifest(folder).description) is toml
        assert (bare / "model.toml").exists() is toml
