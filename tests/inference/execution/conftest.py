from time import monotonic

import numpy as np
import pytest

from service.inference.execution import launch
from service.inference.execution.brief import Brief
from service.inference.execution.launch import Launcher
from service.inference.execution.process import ProcessExecution

FOREVER = float("inf")

# Rows say what the model does: it lives, raises, dies, hangs or grows.
FINE, RAISES, DIES, HANGS, GROWS = 1.0, -1.0, -2.0, -3.0, -4.0


MODEL = """
import ctypes, os, pathlib, time
import numpy as np

class Model:
    def load(self):
        exec((pathlib.Path(__file__).parent / "at_load.txt").read_text())
        self.calls = 0
        self.kept = []

    def predict(self, batch):
        self.calls += 1
        x = batch["x"]
        if (x == -1).any(): raise ValueError("a bad row")
        if (x == -2).any(): ctypes.string_at(0)
        while (x == -3).any(): pass
        while (x == -4).any(): self.kept.append(np.ones(1 << 20))
        if (x > 10).any():
            (pathlib.Path(__file__).parent.parent / "asleep").touch()
            time.sleep(x.max() - 10)
        print("calls:", self.calls)
        rows = len(x)
        return {"y": x * 2, "pid": np.full(rows, os.getpid()), "calls": np.full(rows, self.calls)}
"""


@pytest.fixture
def folder(tmp_path):
    """A model's folder; `at_load.txt` is what it does when it loads."""
    made = tmp_path / "model"
    made.mkdir()
    (made / "model.py").write_text(MODEL)
    (made / "at_load.txt").write_text("")
    return made


@pytest.fixture
def worker(folder, tmp_path, monkeypatch):
    """Make what a web worker has of the model: its execution, not yet open."""
    monkeypatch.setattr(launch, "BACKOFF_FIRST_S", 0.05)
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    made = []

    def worker(**changes):
        told = {
            "model": "model",
            "platform": "python",
            "file": str(folder / "model.py"),
            "options": {},
            "call_limit_s": 10.0,
            "memory_limit_bytes": 1 << 30,
            "json_lines": True,
            "load_limit_s": 30.0,
        }
        launcher = Launcher(Brief(**(told | changes)), meeting, {"OMP_NUM_THREADS": "1"})
        made.append(ProcessExecution(launcher))
        return made[-1]

    yield worker
    for execution in made:
        execution.close()


def ask(execution, *values, within_s=30):
    ran = execution.execute({"x": np.array(values)}, monotonic() + within_s)
    return {name: column.tolist() for name, column in ran.outputs.items()}


def pid_of(execution):
    return ask(execution, FINE)["pid"][0]


@pytest.fixture
def opened(worker):
    execution = worker()
    execution.open(FOREVER)
    return execution
