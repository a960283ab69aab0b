import io
import json

import numpy as np
import pytest
from PIL import Image

from config.settings import IMAGE_LIMIT_PIXELS
from service.errors import InvalidInput, InvalidModel
from service.inference.manifest.reading import MODEL_TOML, read_manifest
from service.inference.signature.signature import build_signature
from service.inference.tensors import TensorSpec


def spec(name, dtype, *shape, **known):
    return TensorSpec(name, np.dtype(dtype), shape, **known)


@pytest.fixture
def built(tmp_path):
    """Build the signature of a model.toml with this *said*, over an artefact with *inputs*."""

    def build(said, *inputs, outputs=(), platform="onnx", example=None):
        (tmp_path / "model").touch()
        text = f'platform = "{platform}"\nfile = "model"\n{said}\n'
        if example is not None:
            (tmp_path / "example").write_bytes(example)
            text += '[example]\nfile = "example"\n'
        (tmp_path / MODEL_TOML).write_text(text)
        return build_signature(
            read_manifest(tmp_path),
            {each.name: each for each in inputs},
            {each.name: each for each in outputs},
            IMAGE_LIMIT_PIXELS,
        )

    return build


def names(signature):
    return [feature.name for feature in signature.reader.features]


def test_columns_of_the_artefact_are_features(built):
    signature = built(
        "",
        spec("age", "float64", -1),
        spec("city", "object", -1, 1, categories=("Oslo", "Rome")),
    )

    assert signature.kind == "features"
    assert names(signature) == ["age", "city"]
    assert signature.reader.features[1].categories == ("Oslo", "Rome")
    assert signature.golden().inputs["city"].tolist() == [["Oslo"]]


def test_a_matrix_whose_columns_are_named_is_features(built):
    matrix = spec("X", "float32", -1, 2)

    assert built("", matrix).kind == "tensor"
    assert names(built("", spec("X", "float32", -1, 2, columns=("a", "b")))) == ["a", "b"]
    manifest = '[[input.X.feature]]\nname = "a"\nmaximum = 5\n[[input.X.feature]]\nname = "b"'
    signature = built(manifest, matrix)
    assert names(signature) == ["a", "b"]
    assert signature.reader.features[0].maximum == 5


def test_whole_numbers_may_be_wanted_of_a_matrix_of_floats(built):
    signature = built(
        '[[input.X.feature]]\nname = "a"\ndtype = "int64"', spec("X", "float32", -1, 1)
    )

    with pytest.raises(InvalidInput):
        signature.read({"a": 1.5})
    assert signature.read({"a": 1}).inputs["X"].dtype == np.float32


def test_what_the_artefact_does_not_know_model_toml_tells(built):
    signature = built('[input.age]\nmaximum = 150\n[input.city]\ncategories = ["Oslo"]')

    question = signature.read({"age": 41, "city": "Oslo"})
    assert question.inputs["age"].dtype == np.float64
    assert question.inputs["city"].dtype == object


def test_a_picture_is_of_the_channels_and_the_type_of_its_input(built):
    picture = io.BytesIO()
    Image.new("RGB", (20, 10), "white").save(picture, "PNG")
    said = '[input.image]\nkind = "image"\nsize = [8, 8]'

    signature = built(said, spec("image", "float32", -1, 8, 8, 1), example=picture.getvalue())

    (array,) = signature.golden().inputs.values()
    assert (array.shape, array.dtype, array.max()) == ((1, 8, 8, 1), np.float32, 255)


def test_the_example_is_the_golden_request(built):
    signature = built("", spec("x", "float32", -1, 2), example=b'{\n "x": [1, 2]\n}')

    assert signature.golden().inputs["x"].tolist() == [[1, 2]]
    assert json.loads(signature.example) == {"x": [1, 2]}


def test_without_an_example_one_is_made_up(built):
    signature = built("[input.x]\nminimum = 3\nmaximum = 5", spec("x", "float64", -1))

    assert json.loads(signature.example) == {"x": 4.0}


def test_a_fault_carries_the_example(built):
    signature = built("", spec("x", "float64", -1))

    def twice(pairs):
        signature.read_query(signature.rows, pairs)

    for read, wrong in (
        (signature.read, {"y": 1}),
        (twice, [("y", "1")]),
        (twice, [("x", "1"), ("x", "2")]),
    ):
        with pytest.raises(InvalidInput) as raised:
            read(wrong)
        assert raised.value.example == signature.example


IMAGE = '[input.image]\nkind = "image"\nsize = [224, 224]'


@pytest.mark.parametrize(
    ("said", "inputs", "words"),
    [
        (IMAGE, [spec("image", "uint8", -1, 3, 192, 192)], ["(3, 224, 224)", "(3, 192, 192)"]),
        (IMAGE + "\nscale = 0.5", [spec("image", "uint8", -1, 224, 224, 3)], ["scales", "bytes"]),
        (IMAGE, [spec("image", "int64", -1, 224, 224, 3)], ["int64"]),
        (IMAGE, [spec("pixels", "uint8", -1, 224, 224, 3)], ["'image'", "['pixels']"]),
        (IMAGE, [spec("image", "uint8", -1, 224, 224, 3)], ["[example]"]),
        ("", [], ["[input]"]),
        ('[input.x]\ndtype = "int64"', [spec("x", "float32", -1)], ["int64", "float32"]),
        ("[input.x]\nshape = [-1, 2]", [spec("x", "float32", -1, 3)], ["[-1, 2]", "[-1, 3]"]),
        ('[[input.x.feature]]\nname="a"', [spec("x", "float32", -1, 3)], ["1 features", "[-1, 3]"]),
        (
            '[[input.x.feature]]\nname="a"',
            [spec("x", "float32", -1, 1, columns=("b",))],
            ["['a']", "['b']"],
        ),
        ('[input.x]\nkind = "features"', [spec("x", "float32", -1, 3)], ["3 columns"]),
        (
            '[input.x]\nkind = "features"\n[input.y]\nkind = "tensor"',
            [spec("x", "float32", -1), spec("y", "float32", -1)],
            ["features", "tensor"],
        ),
        (
            '[input.x]\ncategories = ["Paris"]',
            [spec("x", "object", -1, categories=("Oslo",))],
            ["Paris", "Oslo"],
        ),
        ('[input.x]\ncategories = ["a"]', [spec("x", "float32", -1)], ["'x'", "number"]),
        ("[input.x]\noptional = true", [spec("x", "int64", -1)], ["int64", "null"]),
        ("[input.x]\nminimum = 1", [spec("x", "object", -1)], ["no range"]),
        (
            '[[input.x.feature]]\nname = "y"',
            [spec("x", "float32", -1, 1), spec("y", "float32", -1)],
            ["['y']"],
        ),
        ('[input.x]\ndtype = "datetime"', [spec("x", "float32", -1)], ["datetime", "float32"]),
    ],
)
def test_a_contradiction_is_refused_with_both_values(built, said, inputs, words):
    with pytest.raises(InvalidModel) as raised:
        built(said, *inputs)

    for word in words:
        assert word in str(raised.value)


@pytest.mark.parametrize("example", [b"{", b"[1]", b'{"x": "a"}', b"{}"])
def test_an_example_that_is_no_valid_request_is_refused(built, example):
    with pytest.raises(InvalidModel, match="example"):
        built("", spec("x", "float32", -1, 2), example=example)
