"""What `add` and `check` find when they ask a model as the service will."""

import numpy as np
import pytest

from service.errors import InvalidModel
from service.inference.manifest.reading import read_manifest
from service.inference.signature.signature import build_signature
from service.inference.tensors import TensorSpec
from service.models import trials

FLOAT = np.dtype("float32")


class Runtime:
    """A runtime whose answer is a function of the whole batch."""

    def __init__(self, answer, *shape):
        self.outputs = {}
        self.inputs = {"x": TensorSpec("x", FLOAT, shape or (-1, 3))}
        self.answer = answer

    def predict(self, inputs):
        return {"y": np.asarray(self.answer(inputs["x"]))}


@pytest.fixture
def find(tmp_path):
    def tried(answer, *shape, batch_rows=64):
        (tmp_path / "model.onnx").touch()
        (tmp_path / "model.toml").write_text('platform = "onnx"\nfile = "model.onnx"\n')
        runtime = Runtime(answer, *shape)
        signature = build_signature(read_manifest(tmp_path), runtime.inputs, {}, 1)
        return trials.find(signature, runtime, batch_rows)

    return tried


class Counter:
    calls = 0

    def __call__(self, x):
        self.calls += 1
        return x[:, 0] + self.calls


def test_a_model_of_rows_is_asked_in_whole_batches(find):
    assert find(lambda x: x * 2) == trials.Findings(batch_rows=64)


def test_sums_in_another_order_are_the_same_answer(find):
    assert find(lambda x: x[:, 0] * (1 + 1e-6 * len(x))).stands_alone


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: np.cumsum(x, axis=0),  # a sequence whose steps are the rows
        lambda x: x - x.mean(axis=0),  # of all rows together
        lambda x: np.round(x / max(1e-9, np.abs(x).max()) * 127),  # dynamic quantization
        lambda x: x[::-1],
    ],
)
def test_an_answer_that_depends_on_its_neighbours_is_found(find, answer):
    found = find(answer)

    assert not found.stands_alone
    assert found.batch_rows == 1


def test_a_state_that_is_kept_is_found(find):
    found = find(Counter())

    assert not found.repeats
    assert found.batch_rows == 1


def test_a_model_that_was_made_for_one_row_is_asked_for_one(find):
    found = find(lambda x: x.reshape(1, 3))

    assert found.rows_per_call == 1


def test_a_batch_that_is_too_large_is_halved(find):
    def at_most_20(x):
        if len(x) > 20:
            raise MemoryError
        return x

    assert find(at_most_20).batch_rows == 16


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda _x: np.zeros([1, 3]), "gives 1 when asked two together"),
        (lambda x: np.zeros([len(x) * 2, 3]), "to 1 row"),
        (lambda _x: np.float32(1), "to 1 row"),
        (lambda x: np.log(x * 0 - 1), "no such number"),
        (lambda x: [object() for _ in x], "nothing that JSON holds"),
        (lambda _x: 1 / 0, "its example with an error"),
    ],
)
def test_what_no_answer_could_say_is_refused(find, answer, said):
    with np.errstate(all="ignore"), pytest.raises(InvalidModel, match=said):
        find(answer)
