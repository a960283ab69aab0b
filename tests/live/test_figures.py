"""Figures that are what they say, from the first scrape on."""

import re
import socket
import time

import psutil
import pytest
import requests

from tests.conftest import eventually
from tests.live.instance import Instance

MODEL = """
import time

class Model:
    def load(self): pass
    def predict(self, batch):
        if (batch["x"] == 2).any(): raise ValueError
        if (batch["x"] == 3).any(): time.sleep(3)
        return {"y": batch["x"]}
"""
TOML = """
platform = "python"
file = "model.py"
[input.x]
[serve]
execution = "%s"
deadline_ms = %d
[example]
file = "example.json"
"""


@pytest.fixture
def instance(tmp_path, request):
    """One that serves a model in a thread and the same in a process, with further settings."""
    for name, place in (("near", "thread"), ("far", "process"), ("slow", "process")):
        folder = tmp_path / "models" / name
        folder.mkdir(parents=True)
        (folder / "model.py").write_text(MODEL)
        (folder / "model.toml").write_text(TOML % (place, 20_000 if name == "slow" else 1000))
        (folder / "example.json").write_text('{"x": 1}')
    variables = {"WEIR_MODELS": str(tmp_path / "models")} | getattr(request, "param", {})
    with Instance(tmp_path, **variables) as made:
        yield made


def scraped(instance):
    return requests.get(f"{instance.url}/metrics", timeout=10).text


def test_what_can_be_known_is_there_from_the_start_at_0(instance):
    text = scraped(instance)

    for reason in ("in_flight", "connections", "queue_full", "memory"):
        assert f'http_requests_shed_total{{reason="{reason}"}} 0.0' in text
    for phase in ("idle", "head", "body", "handling", "write"):
        assert f'http_timeouts_total{{phase="{phase}"}} 0.0' in text
    for outcome in ("answered", "refused", "failed", "expired", "abandoned", "quarantined"):
        for model in ("near", "far"):
            labels = f'model="{model}",outcome="{outcome}",version="1"'
            assert f"model_predictions_total{{{labels}}} 0.0" in text
    for stage in ("loading", "batch", "idle"):
        assert f'model_process_ends_total{{model="far",stage="{stage}",version="1"}} 0.0' in text
    # What warmed the models was nobody's prediction.
    assert (
        re.findall(r"^model_inference_duration_seconds_count\{.*\} (.*)$", text, re.MULTILINE)
        == ["0.0"] * 3
    )
    assert re.findall(r"^model_batch_rows_count\{.*\} (.*)$", text, re.MULTILINE) == ["0.0"] * 3


@pytest.mark.parametrize("instance", [{"WEIR_HANDLING_TIMEOUT_S": "1"}], indirect=True)
def test_a_prediction_s_outcome_is_what_became_of_it(instance):
    asked = [
        ("near", "x=1", 200, "answered"),
        ("near", "x=2", 500, "failed"),
        ("far", "x=2", 500, "failed"),
        ("slow", "x=3", 504, "expired"),
        ("near", "y=1", 422, "refused"),
    ]
    for model, query, status, outcome in asked:
        answer = requests.get(f"{instance.url}/models/{model}/predict?{query}", timeout=20)
        assert answer.status_code == status
        assert "total;dur=" in answer.headers["Server-Timing"]
        labels = {"model": model, "outcome": outcome}
        eventually(lambda labels=labels: instance.metric("model_predictions_total", **labels) == 1)
    assert instance.metric("model_predictions_total") == len(asked)


def test_a_slow_head_and_a_slow_body_are_the_client_s_time(instance):
    body = b'{"msg": "Hello"}'
    head = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", instance.port)) as connection:
        connection.sendall(head)
        time.sleep(1.2)
        connection.sendall(b"Content-Length: %d\r\n\r\n" % len(body) + body[:5])
        time.sleep(1.2)
        connection.sendall(body[5:])
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")

    (line,) = eventually(lambda: instance.lines(event="http_request", method="POST"))
    assert line["duration_ms"] < 1200  # what either of them took
    assert instance.metric("http_request_duration_seconds_sum", method="POST") < 1.2


def test_a_request_that_never_came_whole_is_in_no_histogram(instance):
    with socket.create_connection(("127.0.0.1", instance.port)) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nHel")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1000).startswith(b"HTTP/1.1 400")

    eventually(lambda: instance.metric("http_requests_total", method="POST", status="400") == 1)
    assert instance.metric("http_request_duration_seconds_count", method="POST") == 0


def test_a_process_that_ends_between_batches_is_counted_once(instance):
    processes = psutil.Process(instance.process.pid).children(recursive=True)
    (far,) = (each for each in processes if '"model": "far"' in " ".join(each.cmdline()))
    far.kill()

    # It comes back in about the second that this model gives a request.
    asked = f"{instance.url}/models/far/predict?x=1"
    eventually(lambda: requests.get(asked, timeout=20).status_code == 200)
    eventually(lambda: instance.metric("model_process_ends_total", model="far", stage="idle") == 1)
    assert len(instance.lines(event="model_process_ended", model="far")) == 1
