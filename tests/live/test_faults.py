"""However bad a model is, it harms nobody else: each fault under load from 16 connections."""

import os
import shutil
from collections import defaultdict
from contextlib import contextmanager
from itertools import count

import pytest
import requests

from tests.conftest import PROJECT, also, eventually
from tests.live.clients import IRIS, Clients
from tests.live.instance import Instance

FAULTY = "/models/faulty/predict?x="
BAD = -1.0
ONE_IN = 50

# All different, in the order of asking; 20,000 by hand.
QUESTIONS = int(os.environ.get("QUESTIONS", "5000"))

MODEL = """
import ctypes, os, time
import numpy as np

class Faulty:
    def load(self):
        self.kept = []
        {at_load}

    def predict(self, batch):
        x = batch["x"]
        bad = x == -1
        {at_predict}
        return {{"y": x * 2}}
"""
TOML = """
platform = "python"
file = "model.py"
[input.x]
[serve]
{serve}
[example]
file = "example.json"
"""


@pytest.fixture
def instance(tmp_path):
    """Start an instance of two workers that serves iris and a model with a fault."""

    @contextmanager
    def start(at_predict="pass", at_load="pass", serve="", **options):
        repository = tmp_path / "models"
        shutil.copytree(PROJECT / "config/models/iris", repository / "iris")
        folder = repository / "faulty"
        folder.mkdir()
        (folder / "model.py").write_text(MODEL.format(at_load=at_load, at_predict=at_predict))
        (folder / "model.toml").write_text(TOML.format(serve=serve))
        (folder / "example.json").write_text('{"x": 1}')
        variables = {"WEIR_MODELS": str(repository), "WEB_CONCURRENCY": "2"}
        with Instance(tmp_path, **variables, **options) as started:
            eventually(lambda: len(started.lines(event="model_ready", model="iris")) == 2)
            with Clients(started.port, count=8, path=IRIS) as others:
                yield started
                before = others.account.answered
                eventually(lambda: others.account.answered > before + 100)
        assert others.account.lost == []
        assert others.account.statuses == {200}

    return start


class Askers(Clients):
    """16 connections that ask the model with the fault, a bad row now and then."""

    def __init__(self, port):
        super().__init__(port, count=16)
        self.statuses = defaultdict(list)
        self.wrong = []
        self._numbers = count()

    def _converse(self, wire):
        while not self._stop.is_set():
            number = next(self._numbers)
            x = BAD if number % ONE_IN == ONE_IN - 1 else float(number)
            answer = wire.get(f"{FAULTY}{x}").answer()
            with self._lock:
                self.account.answered += 1
                self.statuses["bad" if x == BAD else "good"].append(answer.status)
                if answer.status == 200 and answer.json["response"] != {"value": 2 * x}:
                    self.wrong.append((x, answer.json))

    def saw(self, which, times):
        return len(self.statuses[which]) >= times


def ask(instance, x):
    return requests.get(f"{instance.url}{FAULTY}{x}", timeout=30)


def is_well(statuses):
    return len(statuses) >= 300 and set(statuses[-300:]) == {200}


def load(instance, enough):
    """Ask from 16 connections until *enough*; nothing is lost and no answer is another's."""
    with Askers(instance.port) as askers:
        eventually(lambda: enough(askers), within_s=60 + QUESTIONS / 200)
    assert askers.account.lost == []
    assert askers.wrong == []
    return askers.statuses


def test_every_answer_belongs_to_its_question(instance):
    with instance("time.sleep(0.002)") as started:
        statuses = load(started, lambda askers: askers.saw("good", QUESTIONS))

        assert set(statuses["good"]) == {200}
        assert started.metric("model_batch_rows_count", model="faulty") < QUESTIONS


@pytest.mark.parametrize(
    "at_predict",
    ['assert not bad.any(), "a bad row"', *also("x = x[~bad]")],
    ids=["raises", "returns too few rows"],
)
def test_a_bad_row_fails_alone(instance, at_predict):
    with instance(at_predict) as started:
        statuses = load(started, lambda askers: askers.saw("bad", 20))

        assert set(statuses["good"]) == {200}
        assert set(statuses["bad"]) == {500}
        assert ask(started, BAD).json()["detail"] == "the model failed on this request"
        assert started.lines(event="prediction_failed")
        assert started.metric("model_predictions_total", model="faulty", outcome="failed") >= 20


@pytest.mark.parametrize(
    ("at_predict", "first"),
    [("while bad.any(): pass", 504), ("if bad.any(): ctypes.string_at(0)", 500)],
    ids=["hangs", "segfaults"],
)
def test_what_ends_the_model_twice_is_quarantined_and_the_model_comes_back(
    instance, at_predict, first
):
    with instance(at_predict, serve="deadline_ms = 1000") as started:
        statuses = load(started, lambda askers: 422 in askers.statuses["bad"])
        # Both workers have a process again.
        load(started, lambda askers: is_well(askers.statuses["good"]))
        after = load(started, lambda askers: askers.saw("bad", 20) and askers.saw("good", 500))

        # With it die the rows of its batch, and while it is away others are told to come again.
        assert set(statuses["good"]) <= {200, 500, 503, 504}
        assert set(statuses["bad"]) <= {422, 500, 503, 504}
        assert first in statuses["bad"]
        assert set(after["bad"]) == {422}
        assert set(after["good"][-100:]) == {200}
        refused = ask(started, BAD)
        assert refused.json()["detail"] == "these inputs have ended the model twice"
        assert started.lines(event="model_process_ended", model="faulty", level="error")
        assert started.metric("model_predictions_total", outcome="quarantined") >= 20


def test_a_model_that_grows_to_its_limit_is_replaced(instance):
    grows = 'self.kept.append(np.ones(1 << 20)); print("pid", os.getpid())'
    with instance(grows, serve="memory_mb = 400") as started:
        load(started, lambda _: len(pids(started)) > 1)
        statuses = load(started, lambda askers: 200 in askers.statuses["good"])

        # Who waits for the next process longer than its own time allows has 504, as above.
        assert set(statuses["good"]) <= {200, 500, 503, 504}
        assert [
            line
            for line in started.lines(event="model_output")
            if "limit of 400 MB" in line["line"]
        ]


def pids(instance):
    return {line["pid"] for line in instance.lines(event="model_output")}


def test_a_model_that_takes_20_s_to_load_keeps_nobody_else_waiting(instance):
    with instance(at_load="time.sleep(20)", ready=False) as started:
        unready = requests.get(started.url + "/readyz", timeout=10).json()
        refused = ask(started, 1)
        statuses = load(started, lambda askers: askers.saw("good", 200))
        eventually(started.is_ready, within_s=40)

        (reason,) = unready["reasons"]
        assert (reason["reason"], reason["model"]) == ("loading", "faulty")
        assert refused.status_code == 503
        assert refused.headers["Retry-After"] == "1"
        assert set(statuses["good"]) <= {200, 503}
        eventually(lambda: ask(started, 2).ok)
        assert ask(started, 2).json()["response"] == {"value": 4}


def test_a_model_that_fails_to_load_says_why_and_nobody_else_cares(instance):
    with instance(at_load='raise OSError("no weights")', ready=False) as started:
        eventually(lambda: len(started.lines(event="model_failed")) == 2)  # by each worker
        statuses = load(started, lambda askers: askers.saw("good", 200))
        unready = requests.get(started.url + "/readyz", timeout=10).json()
        listed = requests.get(started.url + "/models", timeout=10).json()["models"]

        assert set(statuses["good"]) == {503}
        (reason,) = unready["reasons"]
        assert (reason["reason"], reason["model"]) == ("model_failed", "faulty")
        assert "the event model_failed" in reason["detail"]
        (entry,) = [entry for entry in listed if entry["name"] == "faulty"]
        assert (entry["state"], entry["reason"]) == ("failed", reason["detail"])
        assert "no weights" not in str([unready, listed])
        assert started.lines(event="model_failed")[0]["reason"] == "no weights"
