"""What JSON Schema says of an answer holds for every answer that the model gives."""

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from service.inference.manifest.manifest import Output
from service.inference.signature.answer_schema import answer_schema
from service.inference.signature.answers import Naming
from service.inference.signature.tensors import described_output
from service.inference.tensors import TensorSpec

COLOURS = ("red", "green", "blue")
MANY = tuple(f"class {number}" for number in range(500))
SCORES = np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7]], np.float32)
FAR = np.linspace(0, 1, 1000, dtype=np.float32).reshape(2, 500)

CASES = {
    "labels": ({"p": Output(labels=COLOURS, top=None)}, {"p": SCORES}),
    "a sigmoid": ({"p": Output(labels=("no", "yes"), top=None)}, {"p": SCORES[:, :1]}),
    "the best": ({"p": Output(labels=COLOURS, top=2)}, {"p": SCORES}),
    "the best of many": (
        {"p": Output(labels=COLOURS, top=None), "q": Output(labels=MANY, top=3)},
        {"p": SCORES, "q": FAR},
    ),
    "many labels": ({"q": Output(labels=MANY, top=None)}, {"q": FAR}),
    "several questions": (
        {"p": Output(labels=COLOURS, top=None), "r": Output(labels=COLOURS, top=None)},
        {"p": SCORES, "r": SCORES[::-1]},
    ),
    "labels that apply": (
        {"a": Output(labels=COLOURS, top=None), "p": Output(labels=COLOURS, top=None)},
        {"a": SCORES > 0.15, "p": SCORES},
    ),
    "a label that is said": (
        {"label": Output(labels=(), top=None), "p": Output(labels=COLOURS, top=None)},
        {"label": np.array([7, 8]), "p": SCORES},
    ),
    "a value": ({}, {"y": np.array([0.5, 1.0])}),
    "a whole value": ({}, {"y": np.array([[1], [2]])}),
    "a truth": ({}, {"y": np.array([True, False])}),
    "words": ({}, {"y": np.array(["a", "b"], object)}),
    "words that may be missing": ({}, {"y": np.array([None, "b"], object)}),
    "a row of numbers": ({}, {"y": SCORES}),
    "deep lists": ({}, {"y": np.zeros((2, 2, 3), np.int8)}),
    "dates": ({}, {"y": np.array(["2026-01-31", "2026-02-01"], "datetime64[us]")}),
    "anything": ({}, {"y": np.array([{"a": 1}, {"a": [2]}], object)}),
    "several": ({}, {"y": np.array([0.5, 1.0]), "z": np.array(["a", "b"], object)}),
}


def described(entries, arrays, *, is_declared=False, is_free=False):
    specs = {
        name: TensorSpec(name, array.dtype, (-1, *array.shape[1:]))
        for name, array in arrays.items()
    }
    naming = Naming("m", entries, specs if is_declared else {})
    outputs = [
        described_output(name, array, None, is_free=is_free) for name, array in arrays.items()
    ]
    answers = naming.answers(arrays)
    golden = naming.answers({name: array[:1] for name, array in arrays.items()})[0]
    schema = answer_schema(naming, outputs, golden, is_declared=is_declared)
    Draft202012Validator.check_schema(schema)
    return schema, Draft202012Validator(schema), answers


@pytest.mark.parametrize("called", CASES)
def test_every_answer_is_as_described(called):
    _, validator, answers = described(*CASES[called])

    for answer in answers:
        validator.validate(answer)
        assert not validator.is_valid(answer | {"more": 1})
        assert not validator.is_valid([answer])
    assert not validator.is_valid({"undescribed": 1})


def test_labels_are_told_in_the_models_order():
    schema, _, _ = described(*CASES["labels"])

    assert schema["required"] == ["label", "scores"]
    assert schema["properties"]["label"]["enum"] == list(COLOURS)
    assert list(schema["properties"]["scores"]["properties"]) == list(COLOURS)


def test_of_many_labels_only_their_number_is_told():
    schema, _, _ = described(*CASES["many labels"])

    assert schema["properties"]["label"] == {"type": "string"}
    assert schema["properties"]["scores"]["maxProperties"] == 500


def test_a_label_that_the_model_says_is_any():
    schema, _, _ = described(*CASES["a label that is said"])

    assert schema["properties"]["label"] == {"type": "string"}


def test_words_that_the_artefact_declares_are_always_there():
    schema, _, _ = described({}, {"y": np.array(["a", "b"], object)}, is_declared=True)

    assert schema["required"] == ["label"]


def test_an_output_of_any_size_is_a_value_or_a_list():
    _, validator, _ = described({}, {"y": np.zeros((1, 1), np.float32)}, is_free=True)

    assert validator.is_valid({"value": 1.5})
    assert validator.is_valid({"y": [1.5, 2.5]})
    assert not validator.is_valid({"y": []})
    assert not validator.is_valid({"value": 1.5, "y": [1.5]})


@pytest.mark.parametrize(
    ("called", "wrong"),
    [
        ("labels", {"label": "pink", "scores": {"red": 1, "green": 0, "blue": 0}}),
        ("labels", {"label": "red", "scores": {"red": 1}}),
        ("labels", {"label": "red"}),
        ("the best", {"label": "red", "scores": {"red": 1, "green": 0, "blue": 0}, "top": []}),
        ("labels that apply", {"labels": ["pink"], "scores": {"red": 1, "green": 0, "blue": 0}}),
        ("a value", {"value": "1"}),
        ("a whole value", {"value": 0.5}),
        ("a truth", {"value": 1}),
        ("a row of numbers", {"y": [1, 2]}),
        ("deep lists", {"y": [[1, 2, 3]]}),
    ],
)
def test_what_the_model_cannot_answer_is_not_described(called, wrong):
    _, validator, _ = described(*CASES[called])

    assert not validator.is_valid(wrong)
