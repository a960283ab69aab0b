"""Dates and times: as ISO 8601 writes them, or as DataFrame.to_json does."""

import numpy as np
import pytest

from service.errors import InvalidInput
from service.inference.signature.feature import Feature
from service.inference.signature.rows import FeatureRows, Part

DATE = np.dtype("datetime64[us]")


def rows(**more):
    feature = Feature(name="at", kind="datetime", dtype=DATE, **more)
    return FeatureRows([feature], [Part("at", DATE, (-1,), 0, 1)], limit_rows=3)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("2026-01-31", "2026-01-31T00:00:00"),
        ("2026-01-31T12:30", "2026-01-31T12:30:00"),
        ("2026-01-31 12:30:01.5", "2026-01-31T12:30:01.5"),
        (1769817600000, "2026-01-31T00:00:00"),
        (1769817600000.0, "2026-01-31T00:00:00"),
        (-86400000, "1969-12-31T00:00:00"),
    ],
)
def test_a_date_is_read(sent, read):
    assert rows().read({"at": sent}).inputs["at"][0] == np.datetime64(read, "us")


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("2026-01-31T12:00:00+01:00", "2026-01-31T11:00:00"),
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00"),
        (1769817600000, "2026-01-31T00:00:00"),
    ],
)
def test_a_time_with_an_offset_is_that_moment(sent, read):
    assert rows(zoned=True).read({"at": sent}).inputs["at"][0] == np.datetime64(read, "us")


@pytest.mark.parametrize(
    ("more", "sent"),
    [
        ({}, "yesterday"),
        ({}, "2026-01-31T12:00:00Z"),
        ({}, 1.5),
        ({}, True),
        ({}, 10**30),
        ({}, ""),
        ({}, None),
        ({}, ["2026-01-31"]),
        ({"zoned": True}, "2026-01-31T12:00:00"),
    ],
)
def test_what_is_no_date_is_refused_with_what_is_wanted(more, sent):
    with pytest.raises(InvalidInput, match="ISO 8601 writes it, with") as raised:
        rows(**more).read({"at": sent})

    assert raised.value.faults[0].pointer == "/at"


def test_one_that_may_be_missing_is_not_a_time():
    assert np.isnat(rows(optional=True).read({"at": None}).inputs["at"][0])


def test_a_query_spells_it_too():
    read = rows(zoned=True).read_query([("at", "2026-01-31T12:00:00 01:00")])

    assert read.inputs["at"][0] == np.datetime64("2026-01-31T11:00:00", "us")
    assert rows().read_query([("at", "1769817600000")]).rows == 1


def test_columns_that_the_model_does_not_look_at_may_be_sent():
    number = Feature(name="n", kind="number", dtype=np.dtype("float64"))
    part = Part("n", number.dtype, (-1,), 0, 1)
    some = FeatureRows([number], [part], limit_rows=3, ignored=["note"])

    sent = {"rows": [{"n": 1, "note": "x"}, {"n": 2}, {"note": [1], "n": 3.5}]}
    assert some.read(sent).inputs["n"].tolist() == [1, 2, 3.5]
    with pytest.raises(InvalidInput, match="no such feature"):
        some.read({"n": 1, "notes": "x"})


def test_a_number_of_unknown_dtype_may_be_true_or_false():
    number = Feature(name="n", kind="number", dtype=np.dtype("float64"), takes_booleans=True)
    some = FeatureRows([number], [Part("n", number.dtype, (-1,), 0, 1)], limit_rows=3)

    assert some.read({"rows": [{"n": True}, {"n": 2}]}).inputs["n"].tolist() == [1, 2]
    assert some.read_query([("n", "false")]).inputs["n"].tolist() == [0]
