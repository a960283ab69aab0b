"""What JSON Schema says may be sent for a feature is what is read, and the other way round."""

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from service.inference.signature.feature import Feature, InvalidValue
from service.inference.signature.json_schema import feature_schema, tensors_schema, text_schema
from service.inference.signature.nested import NestedTensors
from service.inference.signature.rows import FeatureRows, Part
from service.inference.tensors import TensorSpec

DATES = np.dtype("datetime64[us]")
FEATURES = {
    "from 0 to 30": Feature(
        name="x", kind="number", dtype=np.dtype("float32"), minimum=0, maximum=30
    ),
    "at least -1.5": Feature(name="x", kind="number", dtype=np.dtype("float64"), minimum=-1.5),
    "float16": Feature(name="x", kind="number", dtype=np.dtype("float16")),
    "float64": Feature(name="x", kind="number", dtype=np.dtype("float64"), optional=True),
    "number or truth": Feature(
        name="x", kind="number", dtype=np.dtype("float64"), takes_booleans=True
    ),
    "int8": Feature(name="x", kind="integer", dtype=np.dtype("int8")),
    "int64": Feature(name="x", kind="integer", dtype=np.dtype("int64")),
    "uint64": Feature(name="x", kind="integer", dtype=np.dtype("uint64")),
    "whole in float64": Feature(name="x", kind="integer", dtype=np.dtype("float64"), optional=True),
    "boolean": Feature(name="x", kind="boolean", dtype=np.dtype("bool")),
    "string": Feature(name="x", kind="string", dtype=np.dtype(object)),
    "optional string": Feature(name="x", kind="string", dtype=np.dtype(object), optional=True),
    "city": Feature(
        name="x", kind="string", dtype=np.dtype(object), categories=("Oslo", "Brno"), optional=True
    ),
    "level": Feature(name="x", kind="number", dtype=np.dtype("float64"), categories=(0.5, 1, 2)),
    "day": Feature(name="x", kind="datetime", dtype=DATES),
    "optional day": Feature(name="x", kind="datetime", dtype=DATES, optional=True),
}
VALUES = [
    None, True, False, 0, 1, 5, 5.0, 0.5, 2.5, -1.5, -1.6, 30, 30.5, -128, -129, 127, 128, 65504,
    65505, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, -(1 << 63), 1e39, -1e39, 1e300,
    253_402_300_799_999, 253_402_300_800_000, -62_135_596_800_000, -62_135_596_800_001,
    "", "Oslo", "oslo", "5", "2026-01-31", "2026-01-31T12:00", "2026-01-31 12:00:00.5",
    "2026-02-30", "2026-04-31", "2024-02-29", "0000-01-01", "0001-01-01", "2026-13-01",
    "2026-01-31T24:01:00", "2026-01-31T12:00:00+01:00", [], {}, [1],
]  # fmt: skip
TEXTS = ["", "0", "5", "5.0", "31", "-129", "true", "Oslo", "oslo", "2026-01-31", "2026-02-30"]


def rows_of(feature):
    return FeatureRows([feature], [Part("x", feature.dtype, (-1,), 0, 1)], 10)


def is_read(feature, value):
    try:
        feature.read({"x": value})
    except InvalidValue:
        return False
    return True


@pytest.mark.parametrize("called", FEATURES)
def test_what_is_read_is_what_is_described(called):
    feature = FEATURES[called]
    schema = feature_schema(feature, str)
    Draft202012Validator.check_schema(schema)
    described = Draft202012Validator(schema)

    for value in VALUES:
        assert is_read(feature, value) == described.is_valid(value), (called, value)


def test_a_date_with_an_offset_is_told_by_its_format():
    feature = Feature(name="x", kind="datetime", dtype=DATES, zoned=True)

    schema = feature_schema(feature, str)
    assert schema["format"] == "date-time"
    assert schema["type"] == ["string", "integer"]
    assert text_schema(feature, str) == {"type": "string", "format": "date-time"}


def test_a_date_may_be_a_whole_number_however_it_is_written():
    feature = FEATURES["day"]

    assert feature.read({"x": 86_400_000.0}) == feature.read({"x": 86_400_000})
    assert not is_read(feature, 0.5)


def test_a_text_has_no_null():
    assert text_schema(FEATURES["city"], str) == {"type": "string", "enum": ["Oslo", "Brno"]}
    assert text_schema(FEATURES["float64"], str) == {"type": "number"}


def test_a_models_own_words_are_told_by_whoever_shows_them():
    feature = Feature(name="x", kind="boolean", dtype=np.dtype("bool"), description="is it *wet*?")

    assert feature_schema(feature, str.upper)["description"] == "IS IT *WET*?"


@pytest.mark.parametrize("shape", [(-1,), (-1, 2), (-1, 2, 3), (-1, -1)])
@pytest.mark.parametrize("dtype", ["float32", "int8", "bool", "object"])
def test_lists_that_are_read_are_those_described(shape, dtype):
    spec = TensorSpec("t", np.dtype(dtype), shape)
    reader = NestedTensors([spec], 3)
    row = reader.example(2)
    batch = {"t": [row["t"]] * 3}

    assert Draft202012Validator(tensors_schema([spec])).is_valid(row)
    described = Draft202012Validator(tensors_schema([spec], 3))
    assert described.is_valid(batch)
    assert reader.read(batch).rows == 3
    for wrong in ({"t": [row["t"]] * 4}, {"t": []}, {"t": [{}]}, {"u": batch["t"]}, {}):
        assert not described.is_valid(wrong)
