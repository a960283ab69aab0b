"""Models by name, in versions; what fails is tried again while the others serve."""

import shutil
from itertools import chain

import pytest

from service.errors import UnknownModel
from service.inference import catalog
from service.inference.catalog import Catalog
from service.inference.repository import models_in
from tests.conftest import CAT, eventually


@pytest.fixture
def opened(tmp_path, resources, monkeypatch):
    """Open a catalog of copies of cat-or-dog in the folders that are given."""
    monkeypatch.setattr(catalog, "RETRY_FIRST_S", 0.05)
    made = []

    def opened(*folders, broken=(), loaded=lambda _: None):
        repository = tmp_path / "models"
        for folder in folders:
            shutil.copytree(CAT.parent, repository / folder)
        for folder in broken:
            (repository / folder / "model.onnx").write_bytes(b"not a graph")
        repository.mkdir(exist_ok=True)
        found = {folder.name: each for folder, each in models_in(repository, lambda *_: None)}
        made.append(Catalog(found, resources, loaded))
        eventually(lambda: all(model.state != "loading" for model in made[-1]))
        return made[-1]

    yield opened
    for model in chain.from_iterable(made):
        model.close()


def test_a_folder_is_one_version_or_several(opened):
    models = opened("single", "several/1", "several/2", "several/10", "several/beta")

    assert [(model.name, model.version) for model in models] == [
        ("several", "beta"),
        ("several", "1"),
        ("several", "2"),
        ("several", "10"),
        ("single", "1"),
    ]
    assert models.find("several").version == "10"
    assert models.find("several", "2").version == "2"
    assert models.find("single").version == "1"
    assert [model.version for model in models.versions("several")] == ["beta", "1", "2", "10"]
    assert models.unready() == []


def test_the_highest_that_is_ready_is_the_default(opened):
    models = opened("cats/1", "cats/2", "cats/3", broken=["cats/3"])

    assert models.find("cats").version == "2"
    assert models.find("cats", "3").state == "failed"
    assert models.find("cats", "3").reason
    assert models.unready() == []


def test_a_model_without_a_version_that_answers_is_unready(opened):
    models = opened("bad/1", "bad/2", "good", broken=["bad/1", "bad/2"])

    assert [(model.name, model.version) for model in models.unready()] == [
        ("bad", "1"),
        ("bad", "2"),
    ]
    assert models.find("bad").version == "2"
    assert models.find("good").state == "ready"


def test_a_model_that_fails_is_tried_again_and_its_reason_told_once(opened, tmp_path):
    told = []
    models = opened("cats", broken=["cats"], loaded=lambda m: told.append((m.state, m.reason)))
    artefact = tmp_path / "models/cats/model.onnx"
    (first,) = eventually(lambda: told)
    artefact.unlink()
    eventually(lambda: len(told) == 2)

    shutil.copy(CAT.parent / "model.onnx", artefact)
    eventually(lambda: models.find("cats").state == "ready")

    assert told == [first, ("failed", told[1][1]), ("ready", "")]
    assert "no such file" in told[1][1]
    assert models.find("cats").reason == ""


@pytest.mark.parametrize(
    ("name", "version", "said"),
    [
        ("dogs", None, "no model named 'dogs'; served here: cats"),
        ("cats", "2", "'cats' has no version '2'; it has 1"),
        ("x" * 1000, None, "x" * 100 + "'"),
    ],
)
def test_an_unknown_name_is_refused_with_the_known_ones(opened, name, version, said):
    with pytest.raises(UnknownModel) as raised:
        opened("cats/1").find(name, version)

    assert said in str(raised.value)


def test_an_empty_repository_serves_nothing(opened):
    with pytest.raises(UnknownModel, match="served here: none"):
        opened().find("cats")
