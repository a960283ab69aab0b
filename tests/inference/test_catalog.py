import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from service.errors import ModelFailed, ModelLoading, Overloaded, UnknownModel
from service.inference import catalog
from service.inference.catalog import Catalog
from service.inference.tensors import TensorSpec
from tests.conftest import CAT, eventually

LIMIT_PIXELS = 25_000_000


class FixedRuntime:
    """Answers the same scores to everything, as the cat-or-dog artefact shapes them."""

    def __init__(self, species=(0.7, 0.2, 0.1), shape=(-1, 224, 224, 3), columns=3):
        self.inputs = {"image": TensorSpec("image", np.dtype("uint8"), shape)}
        self.outputs = {
            "imagenet": TensorSpec("imagenet", np.dtype("float32"), (-1, 1000)),
            "species": TensorSpec("species", np.dtype("float32"), (-1, columns)),
        }
        self._species = np.array([species], np.float32)

    def predict(self, inputs):
        assert inputs["image"].shape == (1, 224, 224, 3)
        return {"imagenet": np.full((1, 1000), 0.001, np.float32), "species": self._species}


class GatedRuntime(FixedRuntime):
    """Answers when it is let."""

    def __init__(self):
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()

    def predict(self, inputs):
        assert self.gate.wait(20)
        return super().predict(inputs)


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Open a catalog of one model, answered for by the runtime that is given."""
    executor = ThreadPoolExecutor(1)
    catalogs = []

    def open_with(runtime, serve="", until=None, loaded=lambda _: None):
        folder = shutil.copytree(CAT.parent, tmp_path / "cat-or-dog")
        (folder / "model.toml").write_text((folder / "model.toml").read_text() + serve)
        opener = runtime if callable(runtime) else lambda *_: runtime
        monkeypatch.setattr(catalog, "open_runtime", opener)
        catalogs.append(Catalog(tmp_path, executor, LIMIT_PIXELS, loaded))
        model = catalogs[0].find("cat-or-dog")
        eventually(lambda: model.state == until if until else model.state != "loading")
        return model

    yield open_with
    for made in catalogs:
        made.close()
    executor.shutdown()


def test_an_answer_is_named_and_ranked(opened, cat):
    prediction = opened(FixedRuntime()).classify(cat)

    assert prediction.answer.label == "cat"
    assert prediction.answer.scores == {"cat": 0.7, "dog": 0.2, "neither": 0.1}
    assert len(prediction.answer.top) == 5


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_is_a_failure_of_the_model(opened, cat, score):
    runtime = FixedRuntime()
    model = opened(runtime)
    runtime._species = np.array([[score, 0, 0]], np.float32)

    with pytest.raises(ModelFailed, match="cat-or-dog"):
        model.classify(cat)


def test_a_model_that_raises_has_failed_and_serves_on(opened, cat):
    runtime = FixedRuntime()
    model = opened(runtime)
    predict, runtime.predict = runtime.predict, lambda _: 1 / 0

    with pytest.raises(ModelFailed):
        model.classify(cat)

    runtime.predict = predict
    assert model.classify(cat).answer.label == "cat"


def test_beyond_the_queue_a_request_is_refused_at_once_and_room_comes_back(opened, cat):
    runtime = GatedRuntime()
    model = opened(runtime, serve="[serve]\nqueue_rows = 2\n")
    runtime.gate.clear()

    with ThreadPoolExecutor(2) as callers:
        waiting = [callers.submit(model.classify, cat) for _ in range(2)]
        refused = eventually(lambda: refusal_of(model, cat))
        runtime.gate.set()
        answers = [one.result(20).answer.label for one in waiting]

    assert "2 pictures wait" in refused
    assert answers == ["cat", "cat"]
    assert model.classify(cat).answer.label == "cat"


def refusal_of(model, cat):
    """What the model refuses with, or None if both callers have not arrived yet."""
    if model._places._value:
        return None
    with pytest.raises(Overloaded) as raised:
        model.classify(cat)
    return str(raised.value)


def test_a_model_is_not_asked_before_it_has_loaded(opened, cat):
    gated = GatedRuntime()
    gated.gate.clear()
    model = opened(gated, until="loading")

    with pytest.raises(ModelLoading, match="still loading"):
        model.classify(cat)

    gated.gate.set()
    eventually(lambda: model.state == "ready")


def test_a_model_that_fails_to_load_is_tried_again_and_its_reason_told_once(opened, monkeypatch):
    monkeypatch.setattr(catalog, "RETRY_FIRST_S", 0.01)
    told, runtime = [], FixedRuntime()
    tries = iter([OSError("disk"), OSError("disk"), OSError("format"), runtime])

    def open_runtime(*_):
        outcome = next(tries)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    model = opened(open_runtime, until="ready", loaded=lambda m: told.append((m.state, m.reason)))

    assert model.runtime is runtime
    assert told == [("failed", "disk"), ("failed", "format"), ("ready", "")]


@pytest.mark.parametrize(
    ("runtime", "said"),
    [
        (FixedRuntime(shape=(-1, 3, 224, 224)), ["(224, 224, 3)", "(3, 224, 224)"]),
        (FixedRuntime(columns=2), ["3 labels", "2 columns"]),
        (FixedRuntime(species=(float("nan"), 0, 0)), ["not a finite number"]),
    ],
    ids=["input shape", "labels", "example"],
)
def test_a_contradiction_fails_the_model_with_both_values(opened, runtime, said):
    model = opened(runtime)

    assert model.state == "failed"
    for words in said:
        assert words in model.reason


def test_an_unknown_name_is_refused_with_the_known_ones(tmp_path):
    empty = Catalog(tmp_path, ThreadPoolExecutor(1), LIMIT_PIXELS, loaded=lambda _: None)

    with pytest.raises(UnknownModel, match="served here: none"):
        empty.find("cat-or-dog")
