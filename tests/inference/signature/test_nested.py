import numpy as np
import pytest

from service.errors import InvalidInput
from service.inference.signature.nested import NestedTensors
from service.inference.tensors import TensorSpec


def spec(name, dtype, *shape):
    return TensorSpec(name, np.dtype(dtype), shape)


GRID = NestedTensors([spec("grid", "float32", -1, 2, 3)], limit_rows=4)
ROW = [[1, 2, 3], [4.5, 5, 6]]
WANTED = "(the input is float32 [n, 2, 3])"


def fault(reader, sent):
    with pytest.raises(InvalidInput) as raised:
        reader.read(sent)
    (first,) = raised.value.faults
    return first.pointer, first.sent, first.wanted


def test_a_batch_is_an_array_of_the_model_s_type():
    question = GRID.read({"grid": [ROW, ROW]})

    assert (question.rows, question.single) == (2, False)
    assert question.inputs["grid"].dtype == np.float32
    assert question.inputs["grid"].tolist() == [ROW, ROW]


def test_a_row_may_be_sent_alone():
    question = GRID.read({"grid": ROW})

    assert (question.rows, question.single) == (1, True)
    assert question.inputs["grid"].tolist() == [ROW]


def test_one_number_a_row_may_be_sent_alone():
    reader = NestedTensors([spec("x", "int64", -1)], limit_rows=4)

    assert reader.read({"x": 7}).inputs["x"].tolist() == [7]
    assert reader.read({"x": [7, 8.0]}).inputs["x"].tolist() == [7, 8]


def test_a_dimension_of_any_size_takes_any_that_is_the_same_throughout():
    reader = NestedTensors([spec("words", "object", -1, -1)], limit_rows=4)

    assert reader.read({"words": [["a", "b"]]}).inputs["words"].tolist() == [["a", "b"]]
    assert fault(reader, {"words": [["a", "b"], ["c"]]})[:2] == ("/words/1", "a list of 1")


@pytest.mark.parametrize(
    ("sent", "pointer", "what", "want"),
    [
        ([[[1, 2, 3], [4, 5]]], "/grid/0/1", "a list of 2", "a list of 3"),
        ([[1, 2, 3], [4, "5", 6]], "/grid/1/1", '"5"', "a number"),
        ([ROW, [[1, 2, 3], [4, True, 6]]], "/grid/1/1/1", "true", "a number"),
        ([ROW, [[1, 2, 3], [4, None, 6]]], "/grid/1/1/1", "null", "a number"),
        ([ROW, [[1, 2, 3]]], "/grid/1", "a list of 1", "a list of 2"),
        ([ROW, 7], "/grid/1", "a number", "a list of 2"),
        ([], "/grid", "a list of 0", "a list of at least 1"),
        ("abc", "/grid", "a string", "a list of at least 1"),
        ({}, "/grid", "an object", "a list of at least 1"),
        (
            [[1, 2, 3], [4, 1e39, 6]],
            "/grid/1/1",
            "1e+39",
            "a number from -3.40282346638529e+38 to 3.40282346638529e+38",
        ),
        ([[[[1]]]], "/grid/0", "a list of 1", "a list of 2"),
    ],
    ids=str,
)
def test_a_fault_is_pointed_at(sent, pointer, what, want):
    assert fault(GRID, {"grid": sent}) == (pointer, what, f"{want} {WANTED}")


@pytest.mark.parametrize(("value", "what"), [(1.5, "1.5"), (300, "300"), (True, "true")])
def test_whole_numbers_are_whole_and_fit(value, what):
    reader = NestedTensors([spec("x", "uint8", -1)], limit_rows=4)

    assert fault(reader, {"x": [1, value]})[:2] == ("/x/1", what)


def test_more_rows_than_may_wait_are_refused():
    assert fault(GRID, {"grid": [ROW] * 5})[1:] == ("a list of 5", "a list of 1 to 4 rows")


def test_names_are_those_of_the_inputs():
    with pytest.raises(InvalidInput) as raised:
        GRID.read({"gird": ROW})

    assert [(f.pointer, f.sent) for f in raised.value.faults] == [
        ("/gird", "an unknown name"),
        ("/grid", "nothing"),
    ]


def test_inputs_have_as_many_rows_as_each_other():
    reader = NestedTensors([spec("a", "float32", -1, 1), spec("b", "float32", -1, 1)], 4)

    assert fault(reader, {"a": [[1], [2]], "b": [[1]]})[1] == "2 of a, 1 of b"


def test_the_made_up_example_is_valid():
    for reader in (GRID, NestedTensors([spec("words", "object", -1, -1)], 4)):
        assert reader.read(reader.example()).rows == 1
