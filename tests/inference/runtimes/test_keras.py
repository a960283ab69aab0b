"""The digits convnet that make.py trained, and models of other shapes."""

import os

import numpy as np
import pytest

from service.inference import runtimes
from tests.conftest import PROJECT, framework

INSTALL = "make install-keras"
framework("openvino", INSTALL)
os.environ["KERAS_BACKEND"] = "openvino"
keras = framework("keras", INSTALL)

DIGITS = PROJECT / "tests/data/digits-keras/model.keras"


@pytest.fixture(scope="module")
def digits():
    return runtimes.open_runtime("keras", DIGITS, {})


def drawn(number):
    """A seven, or a one, of ink from 0 to 16."""
    picture = np.zeros((8, 8, 1), np.float32)
    if number == 1:
        picture[:, 3:5] = 16
    else:
        picture[:2, 1:7] = 16
        picture[range(2, 8), [5, 5, 4, 4, 3, 3]] = 16
    return picture


def test_inputs_and_outputs_are_the_model_s(digits):
    assert {name: (spec.datatype.name, spec.shape) for name, spec in digits.inputs.items()} == {
        "pixels": ("float32", (-1, 8, 8, 1))
    }
    assert {name: spec.shape for name, spec in digits.outputs.items()} == {"digit": (-1, 10)}


def test_digits_are_read(digits):
    answer = digits.predict({"pixels": np.stack([drawn(1), drawn(7)])})["digit"]

    assert answer.argmax(axis=1).tolist() == [1, 7]
    np.testing.assert_allclose(answer.sum(axis=1), 1, atol=1e-5)


def test_a_row_s_answer_does_not_depend_on_its_company(digits):
    rows = np.random.default_rng(0).uniform(0, 16, (64, 8, 8, 1)).astype(np.float32)

    together = digits.predict({"pixels": rows})["digit"]
    alone = [digits.predict({"pixels": row[None]})["digit"][0] for row in rows]

    np.testing.assert_allclose(together, alone, atol=1e-6)


def save_and_open(model, folder):
    model.save(folder / "model.keras")
    return runtimes.open_runtime("keras", folder / "model.keras", {})


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_inputs_and_outputs_may_be_several(tmp_path):
    left, right = keras.Input((3,), name="left"), keras.Input((2,), name="right")
    both = keras.layers.Concatenate()([left, right])
    outputs = {
        "sum": keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", name="sum")(both),
        "twice": keras.layers.Rescaling(2.0, name="twice")(left),
    }
    runtime = save_and_open(keras.Model({"left": left, "right": right}, outputs), tmp_path)

    answer = runtime.predict(
        {"right": np.ones((2, 2), np.float32), "left": np.ones((2, 3), np.float32)}
    )

    assert answer["sum"].tolist() == [[5], [5]]
    assert answer["twice"].tolist() == [[2, 2, 2]] * 2


def test_layers_that_reshape_take_any_number_of_rows(tmp_path):
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((6, 4), name="x"), layers.LSTM(5), layers.Reshape((5, 1)), layers.Flatten()]
    )
    runtime = save_and_open(model, tmp_path)
    rows = np.random.default_rng(0).normal(size=(7, 6, 4)).astype(np.float32)

    together = next(iter(runtime.predict({"x": rows}).values()))
    first = next(iter(runtime.predict({"x": rows[:1]}).values()))

    assert together.shape == (7, 5)
    np.testing.assert_allclose(together[:1], first, atol=1e-6)
