"""A request whose answer never comes has its line all the same; and the level of the lines."""

import os
import signal
import socket
import struct

import pytest
import requests

from tests.conftest import CAT, eventually
from tests.live.instance import WEB, Instance
from tests.live.sleeping import line_of, repository, spent_ms
from tests.live.wire import Wire

# A route that holds the hub.
HOLDS_THE_HUB = """
import time, urllib.parse
def compute(pairs):
    end = time.perf_counter() + 60
    while time.perf_counter() < end: pass
urllib.parse.urlencode = compute
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ends")
    with Instance(folder, **repository(folder)) as instance:
        yield instance


def reset(wire):
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.socket.close()


@pytest.mark.parametrize(
    ("sent", "route"),
    [
        (b"GET /?msg=half HTTP/1.1\r\nHos", "<unmatched>"),
        (b"POST /?half HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1234", "<unmatched>"),
        (
            b"GET /models/sleeper/predict?x=0.4 HTTP/1.1\r\nHost: a\r\n\r\n",
            "/models/<name>/predict",
        ),
    ],
    ids=["within the head", "within the body", "while it is handled"],
)
@pytest.mark.parametrize("leave", [reset, lambda wire: wire.socket.close()], ids=["reset", "end"])
def test_a_client_that_leaves_has_its_line_too(service, sent, route, leave):
    before = len(service.lines(event="http_request"))
    wire = Wire(service.port).send(sent)
    # Once the server counts it, beside the scrape's, it has arrived.
    eventually(lambda: service.metric("worker_connections") >= 2)
    leave(wire)

    lines = eventually(lambda: service.lines(event="http_request")[before:], within_s=5)
    assert len(lines) == 1
    assert lines[0]["route"] == route
    assert lines[0]["method"] == sent.split()[0].decode()


def test_a_worker_that_hangs_tells_what_was_under_way(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(HOLDS_THE_HUB)
    command = WEB.replace("gunicorn ", "gunicorn --timeout 5 ")
    with Instance(tmp_path, command=command, PYTHONPATH=str(tmp_path)) as instance:
        picture = CAT.read_bytes()
        waiting = Wire(instance.port).send(
            b"POST / HTTP/1.1\r\nHost: a\r\nX-Request-ID: waits-for-its-body-00000\r\n"
            b"Content-Length: %d\r\n\r\n" % len(picture)
        )
        with Wire(instance.port) as wire:
            wire.get("/models/iris", "X-Request-ID: holds-the-hub-0000000000").rest()
        waiting.socket.close()

        line = line_of(instance, "holds-the-hub-0000000000")
        (aborted,) = instance.lines(event="worker_aborted")
        assert any("compute" in frame for frame in aborted["stack"])
        assert (line["status"], line["reason"]) == (500, "worker_aborted")
        assert spent_ms(line) == pytest.approx(line["total_ms"], rel=0.05)
        assert line["total_ms"] > 1000
        eventually(instance.is_ready)
        assert instance.metric("http_requests_total", route="/models/<name>", status="500") == 1


def test_the_level_of_the_log_changes_without_a_restart(tmp_path):
    with Instance(tmp_path, WEB_CONCURRENCY="2") as instance:
        requests.get(instance.url + "/healthz", timeout=5)
        assert not instance.lines(route="/healthz")

        instance.process.send_signal(signal.SIGUSR1)
        eventually(lambda: len(instance.lines(event="log_level", to="debug")) == 3)
        os.kill(instance.workers()[0], signal.SIGKILL)
        eventually(lambda: len(instance.lines(event="model_ready")) >= 6)
        for _ in range(20):
            requests.get(instance.url + "/healthz", timeout=5)
        assert len(instance.lines(route="/healthz", level="debug")) >= 20

        instance.process.send_signal(signal.SIGUSR1)
        eventually(lambda: len(instance.lines(event="log_level", to="info")) == 3)
        before = len(instance.lines(route="/healthz"))
        requests.get(instance.url + "/healthz", timeout=5)
        requests.get(instance.url + "/?msg=1", timeout=5)
        eventually(lambda: instance.lines(route="/"))
        assert len(instance.lines(route="/healthz")) == before
