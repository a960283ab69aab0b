import shutil

import pytest

from service.errors import InvalidModel
from service.inference import manifest
from tests.conftest import CAT


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(CAT.parent, tmp_path / "cat-or-dog")


def rewrite(folder, old, new):
    path = folder / manifest.FILE
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_the_built_in_model_says_what_it_is():
    told = manifest.read(CAT.parent)

    assert (told.name, told.version, told.platform, told.input) == (
        "cat-or-dog",
        "1",
        "onnx",
        "image",
    )
    assert told.image.size == (224, 224)
    assert list(told.outputs) == ["species", "imagenet"]
    assert told.outputs["imagenet"].top == 5
    assert len(set(told.outputs["imagenet"].labels)) == 1000
    assert told.serve.queue_rows == 64


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('platform = "onnx"', 'platform = "fortran"', "platform"),
        ('platform = "onnx"', "", "platform"),
        ('file = "model.onnx"', 'file = "other.onnx"', "'other.onnx'"),
        ('file = "model.onnx"', 'file = "../cat-or-dog/model.onnx"', "no such file beside it"),
        ("size = [224, 224]", "size = [224]", "size"),
        ("size = [224, 224]", "size = [224.5, 224]", "size"),
        ("crop = 0.875", "crop = 0", "crop"),
        ("crop = 0.875", "crop = 0.875\nzoom = 2", "zoom"),
        ('kind = "image"', 'kind = "sound"', "kind"),
        ('labels = ["cat", "dog", "neither"]', "labels = []", "labels"),
        ('labels = "labels.txt"', 'labels = "names.txt"', "'names.txt'"),
        ("top = 5", 'top = "5"', "top"),
        ("[example]", "[serve]\nqueue_rows = 0\n[example]", "queue_rows"),
        ('file = "example.jpg"', "", "file"),
        ("[example]", "[example", "cannot be read"),
    ],
)
def test_a_wrong_entry_is_named(folder, old, new, said):
    rewrite(folder, old, new)

    with pytest.raises(InvalidModel) as raised:
        manifest.read(folder)

    assert said in str(raised.value)
    assert "cat-or-dog/model.toml" in str(raised.value)
