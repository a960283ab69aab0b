import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from service.inference import tensors

DTYPES = ["?", "u1", "i8", "f2", "<f4", ">f8", "U5", "S3"]
ANY_ARRAY = st.sampled_from(DTYPES).flatmap(
    lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=1, min_side=0))
)


@given(st.dictionaries(st.text(), ANY_ARRAY, max_size=4))
def test_what_was_packed_is_unpacked(sent):
    got = tensors.unpack(tensors.pack(sent))

    assert list(got) == list(sent)
    for name, array in sent.items():
        assert got[name].dtype == array.dtype
        np.testing.assert_array_equal(got[name], array)


def test_objects_travel_as_they_are():
    column = np.array(["ż", "\ud800", "", None, 7, 0.5, float("inf"), True, np.int8(3)], object)

    got = tensors.unpack(tensors.pack({"column": column, "x": np.arange(9)}))

    assert got["column"].tolist() == ["ż", "\ud800", "", None, 7, 0.5, float("inf"), True, 3]
    assert got["x"].tolist() == list(range(9))


def test_objects_that_json_does_not_have_are_refused():
    with pytest.raises(TypeError, match="holds a set"):
        tensors.pack({"column": np.array([{1}], object)})


def test_slices_and_other_orders_are_packed_by_their_values():
    grid = np.arange(12).reshape(3, 4)

    got = tensors.unpack(
        tensors.pack({"slice": grid[::2, ::-1], "fortran": np.asfortranarray(grid)})
    )

    assert got["slice"].tolist() == [[3, 2, 1, 0], [11, 10, 9, 8]]
    assert got["fortran"].tolist() == grid.tolist()


def test_arrays_from_a_mutable_buffer_are_aligned_and_can_be_written():
    packed = bytearray(tensors.pack({"a": np.ones(3, np.uint8), "b": np.ones(2)}))

    got = tensors.unpack(packed)
    got["b"] += 1

    assert got["b"].flags.aligned
    assert got["b"].tolist() == [2, 2]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=6))
def test_what_was_joined_is_split(counts):
    parts = [
        {"x": np.full((count, 2), index), "y": np.full(count, str(index), object)}
        for index, count in enumerate(counts)
    ]

    joined = tensors.join(parts)
    again = tensors.split(joined, counts)

    assert tensors.row_count(joined) == sum(counts)
    for part, got in zip(parts, again, strict=True):
        assert {name: array.tolist() for name, array in got.items()} == {
            name: array.tolist() for name, array in part.items()
        }


@pytest.mark.parametrize(
    "unequal", [{}, {"x": np.array(1)}, {"x": np.zeros(2), "y": np.zeros(3)}], ids=str
)
def test_rows_that_do_not_agree_are_refused(unequal):
    with pytest.raises(ValueError, match="no common number of rows"):
        tensors.row_count(unequal)


def test_layouts_differ_by_name_type_and_shape_but_not_by_rows():
    same = {"x": np.zeros((1, 2))}

    assert tensors.layout(same) == tensors.layout({"x": np.zeros((9, 2))})
    for other in ({"y": np.zeros((1, 2))}, {"x": np.zeros((1, 3))}, {"x": np.zeros((1, 2), "f4")}):
        assert tensors.layout(same) != tensors.layout(other)
