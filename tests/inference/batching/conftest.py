"""A batcher over a model that doubles numbers."""

import threading
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import numpy as np
import pytest

from service.errors import (
    ModelDied,
)
from service.inference.batching.batcher import Batcher
from service.inference.execution import CallResult
from service.inference.execution.quarantine import Quarantine
from service.inference.trip import Trip
from tests.conftest import eventually

POISON = -1.0


class FakeExecution:
    """Doubles numbers; waits at its gate first, and raises or dies where a row is poison."""

    def __init__(self, lanes=1, quarantine=None):
        self.lanes = lanes
        self.quarantine = quarantine
        self.gate = threading.Event()
        self.gate.set()
        self.batches = []
        self.poison_raises = ValueError("poison")
        self.lost_rows = 0
        self.recoveries = 0
        self.lost = False
        self.delay = 0.0

    def execute(self, inputs, _deadline_s):
        self.batches.append(inputs["x"].ravel().tolist())
        assert self.gate.wait(20)
        if (inputs["x"] == POISON).any():
            raise self.poison_raises
        doubled = inputs["x"] * 2
        return CallResult({"y": doubled[: len(doubled) - self.lost_rows]}, 0.001)

    def is_lost(self):
        return self.lost

    def how_it_ended(self):
        return "SIGKILL"

    def recover(self, _failed):
        self.lost = False
        self.recoveries += 1

    def delay_s(self):
        return self.delay


@pytest.fixture
def batching():
    """Make a batcher; callers run in threads of their own."""
    made, callers = [], ThreadPoolExecutor(64)

    class Batching:
        def __init__(self, execution=None, **settings):
            self.execution = execution or FakeExecution()
            defaults = {"batch_rows": 16, "queue_rows": 1000, "call_limit_s": 60}
            self.batcher = Batcher(self.execution, **(defaults | settings))
            made.append(self)

        def ask(
            self, *values, within_s=20, gone=lambda: False, shape=(-1,), dtype=float, trip=None
        ):
            inputs = {"x": np.array(values, dtype).reshape(shape)}
            deadline_s = monotonic() + within_s
            return self.batcher.ask(inputs, deadline_s=deadline_s, gone=gone, trip=trip or Trip())

        def call(self, *values, **options):
            return callers.submit(self.ask, *values, **options)

        def hold_lane(self):
            """Keep the lane in a call, so that what comes now waits."""
            before = len(self.execution.batches)
            self.execution.gate.clear()
            self.call(0)
            eventually(lambda: len(self.execution.batches) > before)

        def let_go(self):
            self.execution.gate.set()

        def wait_for(self, rows):
            eventually(lambda: self.batcher._queue._held_rows == rows)

    yield Batching
    for one in made:
        one.let_go()
        one.batcher.close()
    callers.shutdown()


@pytest.fixture
def mortal(tmp_path, batching):
    """A model that dies of poison, with its quarantine."""
    execution = FakeExecution(quarantine=Quarantine(tmp_path / "quarantine"))
    execution.poison_raises = ModelDied("the process ended")
    return batching(execution)
