import numpy as np
import pytest

from service.errors import InvalidInput
from service.inference.signature.feature import Feature
from service.inference.signature.rows import FeatureRows, Part

FLOAT32 = np.dtype("float32")
OBJECT = np.dtype("object")

MEASURES = [
    Feature(name="length", kind="number", dtype=FLOAT32, minimum=0, maximum=10),
    Feature(name="width", kind="number", dtype=FLOAT32),
]
MATRIX = FeatureRows(MEASURES, [Part("X", FLOAT32, (-1, 2), 0, 2)], limit_rows=3)

PERSON = [
    Feature(name="age", kind="integer", dtype=np.dtype("int8"), minimum=0),
    Feature(name="city", kind="string", dtype=OBJECT, categories=("Oslo", "Rome", "São Paulo")),
    Feature(name="member", kind="boolean", dtype=np.dtype("bool")),
    Feature(name="income", kind="number", dtype=np.dtype("float64"), optional=True),
]
COLUMNS = FeatureRows(
    PERSON,
    [
        Part("age", np.dtype("int8"), (-1, 1), 0, 1),
        Part("city", OBJECT, (-1,), 1, 2),
        Part("member", np.dtype("bool"), (-1,), 2, 3),
        Part("income", np.dtype("float64"), (-1,), 3, 4),
    ],
    limit_rows=1000,
)
CITIES = 'one of "Oslo", "Rome", "São Paulo"'
ANNA = {"age": 41, "city": "Rome", "member": True, "income": 2.5}


def faults(features, sent):
    with pytest.raises(InvalidInput) as raised:
        features.read(sent)
    return [(fault.pointer, fault.sent, fault.wanted) for fault in raised.value.faults]


def test_a_row_becomes_a_row_of_the_matrix():
    question = MATRIX.read({"width": 2, "length": 1.5})

    assert (question.rows, question.single) == (1, True)
    assert question.inputs["X"].dtype == FLOAT32
    assert question.inputs["X"].tolist() == [[1.5, 2.0]]


def test_rows_become_rows_in_their_order():
    question = MATRIX.read({"rows": [{"length": n, "width": -n} for n in range(3)]})

    assert (question.rows, question.single) == (3, False)
    assert question.inputs["X"].tolist() == [[0, 0], [1, -1], [2, -2]]


def test_a_column_each_has_the_type_and_shape_of_its_input():
    inputs = COLUMNS.read({"rows": [ANNA, ANNA | {"age": 7, "member": False}]}).inputs

    assert inputs["age"].tolist() == [[41], [7]]
    assert inputs["city"].tolist() == ["Rome", "Rome"]
    assert inputs["member"].tolist() == [True, False]
    assert inputs["income"].tolist() == [2.5, 2.5]
    assert [array.dtype.name for array in inputs.values()] == ["int8", "object", "bool", "float64"]


def test_what_is_optional_may_be_null_or_left_out():
    left_out = {name: value for name, value in ANNA.items() if name != "income"}

    inputs = COLUMNS.read({"rows": [ANNA, left_out, ANNA | {"income": None}]}).inputs

    assert inputs["income"][0] == 2.5
    assert np.isnan(inputs["income"][1:]).all()


def test_a_whole_number_may_be_written_with_a_point():
    assert COLUMNS.read(ANNA | {"age": 41.0}).inputs["age"].tolist() == [[41]]


@pytest.mark.parametrize(
    ("sent", "pointer", "what", "want"),
    [
        ({"age": 41.5}, "/age", "41.5", "a whole number of at least 0"),
        ({"age": True}, "/age", "true", "a whole number of at least 0"),
        ({"age": -1}, "/age", "-1", "a whole number of at least 0"),
        ({"age": 128}, "/age", "128", "a whole number from 0 to 127"),
        ({"age": "41"}, "/age", '"41"', "a whole number of at least 0"),
        (
            {"age": None},
            "/age",
            "null",
            "a whole number of at least 0 (the feature is not optional)",
        ),
        ({"age": [41]}, "/age", "a list of 1", "a whole number of at least 0"),
        ({"age": {}}, "/age", "an object", "a whole number of at least 0"),
        ({"city": "rome"}, "/city", '"rome"', CITIES),
        ({"city": "x" * 41}, "/city", "a string of 41 characters", CITIES),
        ({"city": 3}, "/city", "3", CITIES),
        ({"member": 1}, "/member", "1", "true or false"),
        ({"income": "2.5"}, "/income", '"2.5"', "a number or null"),
        ({"income": False}, "/income", "false", "a number or null"),
    ],
    ids=str,
)  # fmt: skip
def test_a_wrong_value_is_named_with_what_is_wanted(sent, pointer, what, want):
    assert faults(COLUMNS, ANNA | sent) == [(pointer, what, want)]


@pytest.mark.parametrize("value", ["5.1", True, None, 11, -0.1, [1]])
def test_a_matrix_of_numbers_is_as_strict(value):
    ((pointer, _, want),) = faults(MATRIX, {"length": value, "width": 1})

    more = " (the feature is not optional)" if value is None else ""
    assert (pointer, want) == ("/length", f"a number from 0 to 10{more}")


def test_a_number_that_the_model_s_type_cannot_hold_is_refused():
    assert faults(MATRIX, {"length": 1, "width": 1e39}) == [
        ("/width", "1e+39", "a number from -3.40282346638529e+38 to 3.40282346638529e+38")
    ]


@pytest.mark.parametrize(
    ("dtype", "minimum", "sent", "want"),
    [
        ("int64", None, 1 << 63, f"a whole number from {-(1 << 63)} to {(1 << 63) - 1}"),
        ("uint8", None, -1, "a whole number from 0 to 255"),
        ("int8", 0, 200, "a whole number from 0 to 127"),
        ("int64", None, 1.5, "a whole number"),
        ("int64", None, "5", "a whole number"),
    ],
)
def test_a_whole_number_beyond_its_type_is_told_the_range(dtype, minimum, sent, want):
    dtype = np.dtype(dtype)
    feature = Feature(name="n", kind="integer", dtype=dtype, minimum=minimum)
    rows = FeatureRows([feature], [Part("n", dtype, (-1,), 0, 1)], limit_rows=1)

    assert [told for _, _, told in faults(rows, {"n": sent})] == [want]


def test_every_wrong_row_is_pointed_at():
    wrong = [{"length": 1, "width": 1}, {"length": "1", "width": 1}, 7]

    assert faults(MATRIX, {"rows": wrong}) == [
        ("/rows/1/length", '"1"', "a number from 0 to 10"),
        ("/rows/2", "a number", "an object of features"),
    ]


def test_an_unknown_name_is_answered_with_the_nearest_and_what_is_missing():
    with pytest.raises(InvalidInput) as raised:
        MATRIX.read({"Lenght": 1, "width": 1})

    unknown, missing = raised.value.faults
    assert unknown.pointer == "/Lenght"
    assert unknown.detail == "no such feature; did you mean 'length'?"
    assert (missing.pointer, missing.sent) == ("/length", "nothing")


def test_a_name_that_is_near_nothing_is_answered_with_all():
    assert faults(MATRIX, {"length": 1, "width": 1, "a/b~c": 1}) == [
        ("/a~1b~0c", "an unknown name", "one of length, width")
    ]


@pytest.mark.parametrize("count", [0, 4])
def test_rows_are_neither_none_nor_more_than_may_wait(count):
    rows = [{"length": 1, "width": 1}] * count

    assert faults(MATRIX, {"rows": rows}) == [
        ("/rows", f"a list of {count}", "a list of 1 to 3 rows")
    ]


def test_nothing_stands_beside_rows():
    ((pointer, *_),) = faults(MATRIX, {"rows": [{"length": 1, "width": 1}], "length": 1})

    assert pointer == "/length"


def test_thousands_of_faults_are_told_by_a_few():
    assert len(faults(MATRIX, {f"{'x' * 1000}{n}": 1 for n in range(5000)})) == 20
    assert len(faults(COLUMNS, {"rows": [{}] * 1000})) == 20


def test_a_feature_called_rows_is_a_feature():
    rows = Feature(name="rows", kind="number", dtype=FLOAT32)
    features = FeatureRows([rows], [Part("rows", FLOAT32, (-1,), 0, 1)], limit_rows=3)

    assert features.read({"rows": 5}).inputs["rows"].tolist() == [5]
    assert features.read({"rows": [{"rows": 5}]}).inputs["rows"].tolist() == [5]


def test_a_query_spells_one_row():
    question = COLUMNS.read_query(
        [("age", "41"), ("city", "Rome"), ("member", "true"), ("income", "")]
    )

    assert question.single
    inputs = question.inputs
    assert (inputs["age"].tolist(), inputs["city"].tolist()) == ([[41]], ["Rome"])
    assert inputs["member"].tolist() == [True]
    assert np.isnan(inputs["income"]).all()


@pytest.mark.parametrize("text", ["", "abc", "nan", "inf", "1e999", "0x10", "11"])
def test_a_query_is_as_strict(text):
    with pytest.raises(InvalidInput) as raised:
        MATRIX.read_query([("length", text), ("width", "1")])

    assert raised.value.faults[0].pointer == "/length"


def test_a_name_that_is_sent_twice_is_refused():
    with pytest.raises(InvalidInput, match="same name twice"):
        MATRIX.read_query([("length", "1"), ("length", "2"), ("width", "1")])


def test_the_made_up_example_is_valid_and_its_query_the_same():
    for features in (MATRIX, COLUMNS):
        example = features.example()

        asked = features.read(example).inputs
        queried = features.read_query(features.query(example).items()).inputs
        assert {n: a.tolist() for n, a in asked.items()} == {
            n: a.tolist() for n, a in queried.items()
        }
