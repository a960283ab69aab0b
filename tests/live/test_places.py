"""Descriptors and places run out, and probes and whoever asks are answered all the same."""

import socket
import time
from contextlib import ExitStack, contextmanager

import pytest
import requests

from tests.conftest import also, eventually
from tests.live.instance import WEB, Instance, free_port
from tests.live.wire import Wire

PROBES = ("/healthz", "/readyz", "/metrics")


@contextmanager
def silent(port, count, sent=b""):
    """Connections on which *sent* is all that ever comes."""
    with ExitStack() as stack:
        for _ in range(count):
            wire = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            if sent:
                wire.sendall(sent)
        yield stack


def assert_answers(instance, times=3):
    for _ in range(times):
        for path in (*PROBES, "/?msg=1"):
            answer = requests.get(instance.url + path, timeout=5)
            assert answer.status_code == 200, (path, answer.text)


def limited(descriptors):
    return f"sh -c 'ulimit -n {descriptors}; exec env {WEB}'"


@pytest.mark.parametrize("workers", ["2", *also("1")])
def test_idle_connections_do_not_use_up_the_descriptors(tmp_path, workers):
    with (
        Instance(tmp_path, command=limited(1024), WEB_CONCURRENCY=workers) as instance,
        silent(instance.port, 1100),
    ):
        assert_answers(instance)
        fitted = [line for line in instance.lines() if "ulimit" in str(line["event"])]
        assert len(fitted) == 1
        assert not instance.lines(level="error")


def test_a_soft_limit_is_raised_as_far_as_the_system_grants(tmp_path):
    command = f"sh -c 'ulimit -S -n 256; exec env {WEB}'"
    with Instance(tmp_path, command=command) as instance, silent(instance.port, 500):
        assert_answers(instance)
        assert not [line for line in instance.lines() if "ulimit" in str(line["event"])]


def test_running_out_of_descriptors_is_one_line_and_no_hanging_probe(tmp_path):
    """What else opens files takes them away, where the limit of connections cannot know."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os\n"
        "def open_many():\n"
        "    for _ in range(160): os.open('/dev/null', os.O_RDONLY)\n"
        "os.register_at_fork(after_in_child=open_many)\n"
    )
    with Instance(tmp_path, command=limited(300), PYTHONPATH=str(tmp_path)) as instance:
        with silent(instance.port, 300):
            time.sleep(1.2)  # what is tested: connections that have been idle for so long
            assert_answers(instance)
        assert len(instance.lines(event="accept_failed")) == 1
        assert "Traceback" not in instance.log.read_text()
        assert_answers(instance)


@pytest.mark.parametrize("sent", [b"", b"GET / HT"], ids=["silent", "a part of a head"])
@pytest.mark.parametrize("workers", ["2", *also("1")])
def test_whoever_holds_all_places_idly_makes_room(tmp_path, workers, sent):
    variables = {"WEIR_CONNECTION_LIMIT": "100", "WEB_CONCURRENCY": workers}
    with Instance(tmp_path, **variables) as instance, silent(instance.port, 400, sent):
        assert_answers(instance, times=10)
        assert instance.metric("http_connections_evicted_total") > 0


def test_kept_connections_make_room_after_those_that_never_asked(tmp_path):
    with Instance(tmp_path, WEIR_CONNECTION_LIMIT="20") as instance, ExitStack() as stack:
        kept = [stack.enter_context(Wire(instance.port)) for _ in range(10)]
        for wire in kept:
            assert wire.get().answer().status == 200
        stack.enter_context(silent(instance.port, 10))
        time.sleep(1.2)  # what is tested: connections that have been idle for so long
        for _ in range(10):
            newcomer = stack.enter_context(Wire(instance.port))
            assert newcomer.get().answer().status == 200

        assert [wire.get().answer().status for wire in kept] == [200] * 10


def test_requests_under_way_make_no_room(tmp_path):
    part = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nmsg"
    with Instance(tmp_path, WEIR_CONNECTION_LIMIT="20") as instance, ExitStack() as stack:
        held = [stack.enter_context(Wire(instance.port)) for _ in range(20)]
        for wire in held:
            wire.send(part)
        eventually(lambda: is_refused(instance))
        for path in PROBES:
            assert requests.get(instance.url + path, timeout=5).ok
        for wire in held:
            wire.send(b"=123456")
        assert [wire.answer().status for wire in held] == [415] * 20


def is_refused(instance):
    answer = requests.get(instance.url + "/?msg=1", timeout=5)
    return answer.status_code == 503 and "connections are open" in answer.json()["detail"]


def test_the_admin_port_answers_probes_and_nothing_else(tmp_path):
    admin = free_port()
    variables = {"WEIR_ADMIN_PORT": str(admin), "WEIR_CONNECTION_LIMIT": "1"}
    with Instance(tmp_path, WEB_CONCURRENCY="2", **variables) as instance:
        part = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nmsg"
        with silent(instance.port, 10, part):
            for path in PROBES:
                assert requests.get(f"http://127.0.0.1:{admin}{path}", timeout=5).ok
                assert requests.head(f"http://127.0.0.1:{admin}{path}", timeout=5).ok
        for path in ("/", "/models", "/models/iris/predict", "/version"):
            refused = requests.get(f"http://127.0.0.1:{admin}{path}", timeout=5)
            assert refused.status_code == 404
            assert "answers probes" in refused.json()["detail"]
        for path in PROBES:
            assert requests.get(instance.url + path, timeout=5).ok
        assert instance.stop() == 0


def test_the_admin_port_must_be_another(tmp_path):
    port = free_port()
    variables = {"PORT": str(port), "WEIR_ADMIN_PORT": str(port)}
    with Instance(tmp_path, ready=False, **variables) as instance:
        assert instance.process.wait(20) != 0
        assert "WEIR_ADMIN_PORT" in instance.log.read_text()
