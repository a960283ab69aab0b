"""A model in a process, through the whole path."""

import numpy as np
import pytest

from service.errors import (
    ModelDied,
)
from service.inference.model import Model
from service.inference.signature.question import Question
from tests.conftest import eventually
from tests.inference.asking import answer_to

PYTHON_MODEL = """
import ctypes, pathlib
import numpy as np

class Model:
    def load(self):
        assert (pathlib.Path(__file__).parent / "weights").exists(), "no weights"

    def predict(self, batch):
        if batch["image"].max() == 255: ctypes.string_at(0)
        return {"species": np.full((len(batch["image"]), 3), 0.5)}
"""


PYTHON_TOML = """
platform = "python"
file = "model.py"
[input.image]
kind = "image"
size = [8, 8]
[output.species]
labels = ["cat", "dog", "neither"]
[example]
file = "example.png"
"""


@pytest.fixture
def in_process(tmp_path, resources):
    """A model that runs in a process of its own."""
    from PIL import Image

    folder = tmp_path / "python"
    folder.mkdir()
    (folder / "model.py").write_text(PYTHON_MODEL)
    (folder / "model.toml").write_text(PYTHON_TOML)
    (folder / "weights").touch()
    Image.new("RGB", (8, 8)).save(folder / "example.png")
    model = Model("python", folder, resources)
    yield model
    model.close()


def picture(value):
    return {"image": np.full((1, 8, 8, 3), value, np.uint8)}


def test_a_model_in_a_process_that_cannot_come_back_says_why(in_process):
    in_process.load()
    assert (in_process.state, in_process.reason) == ("ready", "")
    weights = in_process._folder / "weights"
    weights.unlink()

    with pytest.raises(ModelDied):
        answer_to(in_process, lambda: Question(picture(255), 1, single=True))
    eventually(lambda: in_process.is_outdated)  # then whoever keeps the models loads it anew
    in_process.load()
    assert in_process.state == "failed"
    assert "the event model_failed" in in_process.reason
    assert "no weights" not in in_process.reason

    weights.touch()
    in_process.load()
    answered = answer_to(in_process, lambda: Question(picture(7), 1, single=True))
    assert answered.outputs["species"].tolist() == [[0.5, 0.5, 0.5]]
