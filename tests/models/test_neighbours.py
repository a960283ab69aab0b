"""`check`'s neighbours test, on real models: what strangers in a batch must not change."""

import pytest

from config.settings import from_environ
from service.models import check
from tests.conftest import framework

framework("onnx", "make install-corpus")

import onnx

from tests.corpus import graphs
from tests.corpus.graphs import model_of, node, tensor, weights

STATEFUL = """
class Counter:
    example = {"x": 1.0}

    def load(self):
        self.calls = 0

    def predict(self, batch):
        self.calls += 1
        return batch["x"] + self.calls
"""
PYTHON = 'platform = "python"\nfile = "model.py"\n[input.x]\ndtype = "float64"\n'
ONNX = 'platform = "onnx"\nfile = "model.onnx"\n'


def first_row_only():
    """An output that ignores its batch: the first row, however many are asked."""
    return model_of(
        [node("Gather", "x first", "row"), node("MatMul", "row W", "y")],
        [tensor("x", ["N", 4])],
        [tensor("y", ["M", 3])],
        [graphs.constant("first", [0]), weights("W", 4, 3)],
    )


@pytest.fixture
def checked(tmp_path, capfd):
    def run(toml, model):
        folder = tmp_path / "m"
        folder.mkdir()
        (folder / "model.toml").write_text(toml)
        if isinstance(model, str):
            (folder / "model.py").write_text(model)
        else:
            onnx.save(model, folder / "model.onnx")
        fit = check.run(tmp_path, "m", from_environ())
        return fit, capfd.readouterr().out

    return run


def test_a_sequence_first_lstm_is_refused(checked):
    fit, said = checked(ONNX, graphs.lstm(layout_of_rows=False))

    assert not fit
    assert "refused: the answer to a row depends on the rows beside it" in said
    assert "say batch_rows = 1 under [serve]" in said


def test_served_by_itself_it_is_fit(checked):
    fit, said = checked(f"{ONNX}[serve]\nbatch_rows = 1\n", graphs.lstm(layout_of_rows=False))

    assert fit
    assert "batch_rows = 1, so each request is a call of its own" in said


def test_a_batch_first_lstm_is_fit(checked):
    fit, said = checked(ONNX, graphs.lstm(layout_of_rows=True))

    assert fit
    assert "neighbours: they change no answer" in said


def test_an_output_that_ignores_its_batch_is_refused(checked):
    fit, said = checked(ONNX, first_row_only())

    assert not fit
    assert "gives 1 when asked two together" in said


def test_a_model_with_a_state_is_refused(checked):
    fit, said = checked(PYTHON, STATEFUL)

    assert not fit
    assert "refused: it answers the same request differently the second time" in said
