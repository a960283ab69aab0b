"""One model: loaded, warmed through the whole path, asked."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from service.errors import (
    DeadlineExceeded,
    ModelFailed,
    ModelLoading,
    ModelUnavailable,
    Overloaded,
)
from service.inference import housing as module
from service.inference.model import Model
from service.inference.signature.question import Question
from service.inference.tensors import TensorSpec
from tests.conftest import CAT, eventually
from tests.inference.asking import answer_to

PICTURE = {"image": np.zeros((1, 224, 224, 3), np.uint8)}


class FixedRuntime:
    """Answers the same scores to everything, as the cat-or-dog artefact shapes them."""

    def __init__(self, species=(0.7, 0.2, 0.1), shape=(-1, 224, 224, 3), columns=3):
        self.inputs = {"image": TensorSpec("image", np.dtype("uint8"), shape)}
        self.outputs = {
            "imagenet": TensorSpec("imagenet", np.dtype("float32"), (-1, 1000)),
            "species": TensorSpec("species", np.dtype("float32"), (-1, columns)),
        }
        self.species = np.array([species], np.float32)
        self.gate = threading.Event()
        self.gate.set()

    def predict(self, inputs):
        assert self.gate.wait(20)
        rows = len(inputs["image"])
        return {
            "imagenet": np.full((rows, 1000), 0.001, np.float32),
            "species": self.species.repeat(rows, 0),
        }


@pytest.fixture
def make(tmp_path, monkeypatch, resources):
    """Make a model, answered for by the runtime that is given; not yet loaded."""
    made = []

    def make(runtime, serve="", **around):
        folder = shutil.copytree(CAT.parent, tmp_path / "cat-or-dog")
        told = (folder / "model.toml").read_text()
        (folder / "model.toml").write_text(told.replace("batch_rows = 1", serve))
        monkeypatch.setattr(module, "open_runtime", lambda *_: runtime)
        made.append(Model("cat-or-dog", folder, replace(resources, **around)))
        return made[-1]

    yield make
    for model in made:
        model.close()


def ask(model, within_s=20):
    return answer_to(model, lambda: Question(PICTURE, 1, single=True), within_s)


def decoded(model, read=lambda: Question(PICTURE, 1, single=True), within_s=20):
    return answer_to(model, read, within_s, is_heavy=True)


def test_a_loaded_model_answers(make):
    ran = []
    model = make(FixedRuntime(), ran=lambda *batch: ran.append(batch[:3]))
    model.load()

    answered = ask(model)

    assert (model.state, model.reason, model.version) == ("ready", "", "1")
    assert answered.outputs["species"].tolist() == [pytest.approx([0.7, 0.2, 0.1])]
    assert model.signature.inputs["image"].shape == (-1, 224, 224, 3)
    assert ran == [("cat-or-dog", "1", 1)]  # the golden example before it was nobody's


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_an_answer_that_is_no_number_is_a_failure_of_the_model(make, number):
    runtime = FixedRuntime()
    model = make(runtime)
    model.load()
    runtime.species = np.array([[number, 0, 0]], np.float32)

    with pytest.raises(ModelFailed, match=r"cat-or-dog.*not finite.*species"):
        ask(model)


def test_beyond_the_queue_a_picture_is_refused_before_it_is_decoded(make):
    runtime = FixedRuntime()
    model = make(runtime, serve="queue_rows = 2")
    model.load()
    runtime.gate.clear()

    with ThreadPoolExecutor(2) as callers:
        waiting = [callers.submit(ask, model) for _ in range(2)]
        refused = eventually(lambda: refusal_of(model))
        runtime.gate.set()
        answered = [one.result(20).outputs["species"].shape for one in waiting]

    assert "2 rows wait" in refused
    assert answered == [(1, 3), (1, 3)]
    assert decoded(model).outputs["species"].shape == (1, 3)


def refusal_of(model):
    """What the model refuses to decode with, or None if there is room yet."""
    try:
        decoded(model, within_s=0.1)
    except Overloaded as refused:
        return str(refused)
    except DeadlineExceeded:
        return None
    return None


def test_a_model_is_not_asked_before_it_is_warm(make):
    runtime = FixedRuntime()
    runtime.gate.clear()
    model = make(runtime)
    loading = threading.Thread(target=model.load)
    loading.start()

    for early in (lambda: ask(model), lambda: model.manifest, lambda: model.signature):
        with pytest.raises(ModelLoading, match="still loading"):
            early()

    runtime.gate.set()
    loading.join(20)
    assert model.state == "ready"


@pytest.mark.parametrize(
    ("runtime", "said"),
    [
        (FixedRuntime(shape=(-1, 3, 192, 192)), ["(3, 224, 224)", "(3, 192, 192)"]),
        (FixedRuntime(columns=2), ["3 labels", "2 columns"]),
        (FixedRuntime(species=(float("nan"), 0, 0)), ["number that is not finite"]),
    ],
    ids=["input shape", "labels", "example"],
)
def test_a_contradiction_fails_the_model_with_both_values(make, runtime, said):
    model = make(runtime)
    model.load()

    assert model.state == "failed"
    for words in said:
        assert words in model.reason
    with pytest.raises(ModelUnavailable, match="could not be loaded"):
        ask(model)


def test_a_model_whose_every_call_overruns_says_so(make):
    runtime = FixedRuntime()
    model = make(runtime, serve="deadline_ms = 50")
    model.load()
    runtime.gate.clear()

    with ThreadPoolExecutor(1) as callers:
        late = callers.submit(ask, model)
        eventually(lambda: model.state == "overrunning")
        assert model.reason == "every call overruns its limit"
        with pytest.raises(ModelUnavailable):
            ask(model)
        runtime.gate.set()
        assert late.result(20)

    eventually(lambda: model.state == "ready")


def test_a_load_that_hangs_has_failed_with_its_stack_and_is_tried_again(make, monkeypatch):
    gate = threading.Event()
    model = make(FixedRuntime(), load_limit_s=0.5)
    answering = module.open_runtime
    monkeypatch.setattr(module, "open_runtime", lambda *_: gate.wait(20))

    model.load()

    assert (model.state, model.reason) == ("failed", "it has not loaded within 0.5 s")
    assert any("test_model.py" in line for line in model.stack)
    monkeypatch.setattr(module, "open_runtime", answering)
    model.load()
    gate.set()
    assert (model.state, model.reason, model.stack) == ("ready", "", ())
    assert ask(model)


def test_a_model_whose_every_decode_overruns_says_so(make):
    gate = threading.Event()
    model = make(FixedRuntime(), serve="deadline_ms = 50")
    model.load()

    with pytest.raises(DeadlineExceeded):
        decoded(model, lambda: gate.wait(20), within_s=0.05)

    eventually(lambda: model.state == "overrunning")
    with pytest.raises(ModelUnavailable, match="prepares requests overruns"):
        decoded(model)
    gate.set()
    eventually(lambda: model.state == "ready")
    assert decoded(model).outputs["species"].shape == (1, 3)
