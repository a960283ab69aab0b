import pytest

from service.faults import Fault, json_kind, kind_of, pointer, scalar, wanted


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((), ""),
        (("rows", 3, "age"), "/rows/3/age"),
        (("a/b~c",), "/a~1b~0c"),
        (("~1",), "/~01"),
        (("",), "/"),
        (("x" * 1000,), "/" + "x" * 100),
    ],
)
def test_a_pointer_is_rfc_6901_s(steps, expected):
    assert pointer(*steps) == expected


@pytest.mark.parametrize(
    ("value", "kind", "in_words", "short"),
    [
        (None, "null", "null", "null"),
        (True, "boolean", "a boolean", "true"),
        (5, "number", "a number", "5"),
        (5.5, "number", "a number", "5.5"),
        ("Oslo", "string", "a string", '"Oslo"'),
        ("x" * 41, "string", "a string", "a string of 41 characters"),
        ([1, 2], "array", "a list of 2", "a list of 2"),
        ({"a": 1}, "object", "an object", "an object"),
    ],
)
def test_a_value_is_named_and_quoted_only_where_it_is_short(value, kind, in_words, short):
    assert (json_kind(value), kind_of(value), scalar(value)) == (kind, in_words, short)


def test_a_fault_says_where_what_and_what_instead():
    fault = wanted("/age", '"old"', "a number")

    assert fault == Fault("/age", '"old"', "a number", '"old" was sent, a number is wanted')
