import shutil

import pytest

from service.errors import InvalidModel
from service.inference.manifest.manifest import Serve
from service.inference.manifest.reading import MODEL_TOML, read_manifest
from tests.conftest import CAT


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(CAT.parent, tmp_path / "cat-or-dog")


def rewrite(folder, old, new):
    path = folder / MODEL_TOML
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_the_built_in_model_says_what_it_is():
    told = read_manifest(CAT.parent)

    assert (told.name, told.version, told.platform) == ("cat-or-dog", "1", "onnx")
    assert told.inputs["image"].image.size == (224, 224)
    assert list(told.outputs) == ["species", "imagenet"]
    assert told.outputs["imagenet"].top == 5
    assert len(set(told.outputs["imagenet"].labels)) == 1000
    assert told.serve == Serve(
        batch_rows=1,
        queue_rows=64,
        deadline_ms=10_000,
        execution="thread",
        memory_mb=None,
        rows_per_call=None,
    )


def test_what_is_left_out_is_as_the_platform_and_the_kind_have_it(tmp_path):
    (tmp_path / "model.skops").touch()
    (tmp_path / MODEL_TOML).write_text('platform = "sklearn"\nfile = "model.skops"\n')

    told = read_manifest(tmp_path)

    assert (told.version, told.inputs, told.outputs, told.example) == ("1", {}, {}, None)
    assert told.options == {}
    assert (told.serve.execution, told.serve.batch_rows, told.serve.queue_rows) == (
        "process",
        64,
        1024,
    )


def test_a_feature_is_described(tmp_path):
    (tmp_path / "model.onnx").touch()
    (tmp_path / MODEL_TOML).write_text("""
platform = "onnx"
file = "model.onnx"
[input.city]
categories = ["Oslo", "Rome"]
[[input.X.feature]]
name = "age"
minimum = 0
maximum = 150
dtype = "int64"
optional = true
""")

    told = read_manifest(tmp_path)

    assert told.inputs["city"].column.categories == ("Oslo", "Rome")
    (age,) = told.inputs["X"].columns
    assert (age.name, age.minimum, age.maximum, age.dtype) == ("age", 0, 150, "int64")
    assert age.optional


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
        ("batch_rows = 1", "queue_rows = 0", "queue_rows"),
        ("batch_rows = 1", "deadline_ms = 1.5", "deadline_ms"),
        ('file = "example.jpg"', "", "example.file"),
        ('platform = "onnx"', 'platform = "onnx"\nallow_pickle = true', "allow_pickle"),
        ('platform = "onnx"', 'platform = "sklearn"\nallow_pickle = "yes"', "allow_pickle"),
        ("batch_rows = 1", 'execution = "fork"', "serve.execution"),
        ('kind = "image"', 'kind = "tensor"', "input.image.size"),
        ("crop = 0.875", "minimum = 2\nmaximum = 1", "input.image.minimum"),
        ("crop = 0.875", 'categories = ["a", 1]', "input.image.categories"),
        ("crop = 0.875", 'categories = ["a", "a"]', "input.image.categories"),
        ("crop = 0.875", 'categories = ["a"]\nminimum = 1', "not both"),
        ("crop = 0.875", 'dtype = "float128"', "input.image.dtype"),
        ("crop = 0.875", '[[input.x.feature]]\nname="a"\n[[input.x.feature]]\nname="a"', "same"),
        ("crop = 0.875", '[input.x]\nminimum=1\n[[input.x.feature]]\nname="a"', "each feature"),
        ("[example]", "[example", "cannot be read"),
    ],
)
def test_a_wrong_entry_is_named(folder, old, new, said):
    rewrite(folder, old, new)

    with pytest.raises(InvalidModel) as raised:
        read_manifest(folder)

    assert said in str(raised.value)
    assert "cat-or-dog/model.toml" in str(raised.value)
