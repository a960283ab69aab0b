import os
import sys

import numpy as np
import pytest

from service.errors import InvalidModel
from service.inference.runtimes import open_runtime

MODEL = """
import numpy as np
from offsets import OFFSET
from collections import OrderedDict

class Adder:
    def load(self):
        self.offset = OFFSET

    def predict(self, batch):
        return ANSWER
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.path", sys.path.copy())
    (tmp_path / "offsets.py").write_text("OFFSET = 5")

    def write(source):
        path = tmp_path / "adder.py"
        path.write_text(source)
        return path

    return write


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ('{"y": batch["x"] + self.offset}', {"y": [6, 7]}),
        ('batch["x"] + self.offset', {"output": [6, 7]}),
        ('["a" for _ in batch["x"]]', {"output": ["a", "a"]}),
    ],
)
def test_the_one_class_of_the_file_answers(write, answer, named):
    runtime = open_runtime("python", write(MODEL.replace("ANSWER", answer)), {})

    outputs = runtime.predict({"x": np.array([1, 2])})

    assert {name: column.tolist() for name, column in outputs.items()} == named
    assert runtime.inputs == runtime.outputs == {}


def test_code_that_was_replaced_within_the_second_is_the_new_one(write, monkeypatch):
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    for offset in (1, 2):
        path = write(MODEL.replace("ANSWER", f'batch["x"] + {offset}'))
        os.utime(path, (1, 1))
        runtime = open_runtime("python", path, {})
        assert runtime.predict({"x": np.array([1])})["output"].tolist() == [1 + offset]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = 1", "no classes"),
        ("class A:\n  def load(self): ...", "no classes"),
        (
            "class A:\n  def load(self): ...\n  def predict(self, batch): ...\nclass B(A): ...",
            "['A', 'B']",
        ),
    ],
)
def test_a_file_without_exactly_one_such_class_is_refused(write, source, said):
    with pytest.raises(InvalidModel) as raised:
        open_runtime("python", write(source), {})

    assert said in str(raised.value)
    assert "adder.py" in str(raised.value)
