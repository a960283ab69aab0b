"""What is written is read as it was: every datatype, every shape, both encodings."""

import math

import numpy as np
import orjson
from hypothesis import given
from hypothesis import strategies as st

from service.inference.protocol import binary_data, json_data
from service.inference.protocol.datatypes import BYTES, DATATYPES, datatype_of
from service.inference.protocol.request import InputEntry

SHAPES = st.lists(st.integers(0, 3), max_size=4).map(tuple)
ANY_BYTES = st.binary(max_size=20)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@st.composite
def tensors(draw, *, in_json):
    """A datatype and an array of it, of any shape; in JSON there is no infinity."""
    datatype = draw(st.sampled_from([*DATATYPES]))
    shape = draw(SHAPES)
    count = math.prod(shape)
    dtype = DATATYPES[datatype]
    if datatype == BYTES:
        words = WORDS.map(str.encode) if in_json and draw(st.booleans()) else ANY_BYTES
        values = draw(st.lists(words, min_size=count, max_size=count))
        return datatype, binary_data.objects(values).reshape(shape)
    raw = draw(st.binary(min_size=count * dtype.itemsize, max_size=count * dtype.itemsize))
    array = np.frombuffer(raw, dtype).copy()
    if datatype == "BOOL":
        array = np.frombuffer(raw, np.uint8) % 2 == 1
    if in_json and dtype.kind == "f":
        array[np.isinf(array)] = 1.5
    return datatype, array.reshape(shape)


def entry(datatype, array, **members):
    return InputEntry(at=0, name="x", datatype=datatype, shape=array.shape, **members)


def same(one, other):
    assert one.dtype == other.dtype
    assert one.shape == other.shape
    if one.dtype.kind == "f":
        assert (np.isnan(one) == np.isnan(other)).all()
        assert (one == other)[~np.isnan(one)].all()
        return
    assert (one == other).all()


@given(tensors(in_json=False), st.integers(0, 7))
def test_bytes(tensor, offset):
    datatype, array = tensor
    raw = bytes(offset) + bytes(binary_data.to_bytes(array))  # aligned or not

    read = binary_data.from_bytes(entry(datatype, array), memoryview(raw)[offset:])

    assert datatype_of(array.dtype) == datatype
    assert read.tobytes() == array.tobytes() if datatype != BYTES else (read == array).all()
    assert read.shape == array.shape


@given(tensors(in_json=True), st.booleans())
def test_json(tensor, is_nested):
    datatype, array = tensor
    values, is_base64 = json_data.to_json(array)
    data = orjson.loads(orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY))
    if is_nested and array.ndim:
        data = nested(data, array.shape)

    read = json_data.from_json(entry(datatype, array, data=data, is_base64=is_base64))

    same(read, array)


def nested(flat, shape):
    """The flat list as lists as deep as *shape*."""
    if len(shape) == 1:
        return flat
    step = math.prod(shape[1:])
    return [nested(flat[at * step : (at + 1) * step], shape[1:]) for at in range(shape[0])]


def test_numbers_that_stand_in_order_are_not_copied():
    array = np.arange(12, dtype=np.float32)
    raw = memoryview(bytearray(array.tobytes()))

    read = binary_data.from_bytes(entry("FP32", array), raw)

    assert np.shares_memory(read, np.frombuffer(raw, np.uint8))
    assert np.shares_memory(np.frombuffer(binary_data.to_bytes(array), np.uint8), array)
