import numpy as np
import pytest

from service.errors import InvalidModel, ModelFailed
from service.inference.manifest.manifest import Output
from service.inference.signature.answers import Naming
from service.inference.tensors import TensorSpec

SCORES = np.array([[0.2, 0.7, 0.1], [0.5, 0.25, 0.25]], np.float32)
LABELS = Output(labels=("a", "b", "c"), top=None)


def spec(name, dtype, *shape, columns=()):
    return TensorSpec(name, np.dtype(dtype), shape, columns)


def answers(outputs, told=None, specs=()):
    naming = Naming("m", told or {}, {each.name: each for each in specs})
    return naming.answers(outputs)


def test_labels_make_a_classification_best_first():
    first, second = answers({"p": SCORES}, {"p": LABELS})

    assert first == {"label": "b", "scores": {"b": 0.7, "a": 0.2, "c": 0.1}}
    assert list(first["scores"]) == ["b", "a", "c"]
    assert list(second["scores"]) == ["a", "b", "c"]


def test_the_artefact_s_own_labels_do_too():
    (answer, _) = answers(
        {"p": SCORES}, specs=[spec("p", "float32", -1, 3, columns=("x", "y", "z"))]
    )

    assert answer["label"] == "y"


def test_a_ranking_lists_the_best_few():
    told = {"p": LABELS, "fine": Output(labels=("d", "e", "f"), top=2)}

    (answer, _) = answers({"fine": SCORES, "p": SCORES}, told)

    assert answer["label"] == "b"
    assert answer["top"] == [{"label": "e", "score": 0.7}, {"label": "d", "score": 0.2}]


def test_two_labels_name_a_sigmoid():
    told = {"p": Output(labels=("no", "yes"), top=None)}

    sure, unsure = answers({"p": np.array([[0.9], [0.25]])}, told)

    assert sure == {"label": "yes", "scores": {"yes": 0.9, "no": 0.1}}
    assert unsure["label"] == "no"


def test_a_column_of_strings_is_the_label():
    words = np.array(["cat", "dog"], object)

    assert answers({"species": words}) == [{"label": "cat"}, {"label": "dog"}]
    assert answers({"species": words, "weight": np.array([[1.5], [2]])}) == [
        {"label": "cat", "weight": 1.5},
        {"label": "dog", "weight": 2.0},
    ]


@pytest.mark.parametrize("shape", [(2,), (2, 1)])
def test_one_number_a_row_is_the_value(shape):
    assert answers({"price": np.array([1, 2]).reshape(shape)}) == [{"value": 1}, {"value": 2}]


def test_a_float32_is_as_short_as_it_can_be():
    assert answers({"price": np.array([3.2, 1e-9], np.float32)}) == [
        {"value": 3.2},
        {"value": 1e-9},
    ]


def test_a_date_that_is_missing_is_null():
    when = np.array(["2026-01-31T12:00", "NaT"], "datetime64[us]")

    assert answers({"when": when}) == [{"value": "2026-01-31T12:00:00.000000"}, {"value": None}]


def test_anything_else_bears_its_name():
    assert answers({"box": SCORES, "ok": np.array([True, False])}) == [
        {"box": [0.2, 0.7, 0.1], "ok": True},
        {"box": [0.5, 0.25, 0.25], "ok": False},
    ]


def test_only_what_model_toml_names_is_answered():
    (answer, _) = answers({"p": SCORES, "label": np.array(["x", "y"], object)}, {"p": LABELS})

    assert set(answer) == {"label", "scores"}


def test_a_contradiction_names_both_values():
    with pytest.raises(InvalidModel, match=r"3 labels.*2 columns"):
        answers({}, {"p": LABELS}, [spec("p", "float32", -1, 2)])
    with pytest.raises(InvalidModel, match=r"'q'.*\['p'\]"):
        answers({}, {"q": LABELS}, [spec("p", "float32", -1, 3)])


def test_a_column_too_few_is_a_failure_where_nobody_knew_before():
    with pytest.raises(ModelFailed, match="3 labels"):
        answers({"p": SCORES[:, :2]}, {"p": LABELS})
