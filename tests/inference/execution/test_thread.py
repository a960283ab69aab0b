import threading
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import numpy as np
import pytest

from service.errors import DeadlineExceeded
from service.inference.execution.native import NativeThreads
from service.inference.execution.thread import ThreadExecution
from service.inference.tensors import TensorSpec

SPEC = {"x": TensorSpec("x", np.dtype(float), (-1,))}


class Runtime:
    inputs = outputs = SPEC

    def __init__(self):
        self.threads = {threading.get_ident()}
        self.calls = 0

    def predict(self, inputs):
        self.calls += 1
        self.threads.add(threading.get_ident())
        return {"x": inputs["x"] + 1}


@pytest.fixture
def runtime():
    return Runtime()


@pytest.fixture
def execution(runtime):
    made = ThreadExecution(lambda: runtime, NativeThreads(ThreadPoolExecutor, 1), lanes=1)
    specs = made.open(monotonic() + 20)
    assert specs.inputs == specs.outputs == SPEC
    return made


def test_a_batch_runs_in_the_model_s_own_thread(execution, runtime):
    ran = execution.execute({"x": np.array([1.0, 2.0])}, monotonic() + 20)

    assert ran.outputs["x"].tolist() == [2, 3]
    assert ran.infer_s >= 0
    assert len(runtime.threads) == 2
    assert execution.delay_s() == 0


def test_a_batch_whose_time_is_over_never_reaches_the_model(execution, runtime):
    with pytest.raises(DeadlineExceeded):
        execution.execute({"x": np.array([1.0])}, monotonic() - 1)

    assert runtime.calls == 0
