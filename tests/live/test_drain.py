"""A worker that leaves loses nothing: on SIGTERM, SIGHUP, TTOU and after max_requests."""

import os
import signal
import time
from contextlib import ExitStack

import pytest
import requests

from tests.conftest import CAT, also, eventually
from tests.live.clients import IRIS, Clients
from tests.live.instance import Instance
from tests.live.wire import Wire

CYCLES = int(os.environ.get("DRAIN_CYCLES", "3"))
IDLE_CONNECTIONS = 200


def idle_connections(instance, count=IDLE_CONNECTIONS):
    """Kept connections on which one request each has been answered."""
    wires = [Wire(instance.port) for _ in range(count)]
    for wire in wires:
        assert wire.get().answer().status == 200
    return wires


def assert_ended_in_silence(wires):
    for wire in wires:
        assert wire.rest() == b""
        wire.socket.close()


@pytest.mark.parametrize("cycle", range(CYCLES))
def test_sigterm_under_load_loses_no_request(tmp_path, cycle):
    with Instance(tmp_path, WEB_CONCURRENCY="2") as instance, Clients(instance.port) as clients:
        eventually(lambda: clients.account.answered > 500)
        if cycle % 2:  # as on a dyno, where every process is told, and more than once
            for pid in instance.workers() * 2:
                os.kill(pid, signal.SIGTERM)
        assert instance.stop() == 0
        eventually(lambda: clients.account.refused_connections)

    assert clients.account.lost == []
    assert clients.account.statuses == {200}
    assert not instance.lines(event="worker_forced")


def test_sighup_under_load_loses_no_request_and_every_worker_is_new(tmp_path):
    with Instance(tmp_path, WEB_CONCURRENCY="2") as instance, Clients(instance.port) as clients:
        for _ in range(CYCLES):
            old, answered = set(instance.workers()), clients.account.answered
            instance.process.send_signal(signal.SIGHUP)
            eventually(lambda old=old: has_new_workers(instance, old))
            eventually(lambda n=answered: clients.account.answered > n + 500)

    assert clients.account.lost == []
    assert clients.account.refused_connections == 0
    assert clients.account.statuses == {200}


def has_new_workers(instance, old):
    now = set(instance.workers())
    return len(now) == 2 and not now & old


def test_a_worker_less_under_load_loses_no_request(tmp_path):
    with Instance(tmp_path, WEB_CONCURRENCY="3") as instance, Clients(instance.port) as clients:
        instance.process.send_signal(signal.SIGTTOU)
        eventually(lambda: len(instance.workers()) == 2)
        answered = clients.account.answered
        eventually(lambda: clients.account.answered > answered + 200)

    assert clients.account.lost == []
    assert clients.account.refused_connections == 0


@pytest.mark.parametrize("workers", ["2", *also("1")])
def test_max_requests_under_load_loses_no_request(tmp_path, workers):
    variables = {"WEB_CONCURRENCY": workers, "WEIR_MAX_REQUESTS": "800"}
    with Instance(tmp_path, **variables) as instance, Clients(instance.port) as clients:
        eventually(lambda: len(instance.lines(event="worker_draining")) >= CYCLES, within_s=60)
        answered = clients.account.answered
        eventually(lambda: clients.account.answered > answered + 200)

    assert clients.account.lost == []
    assert clients.account.refused_connections == 0
    assert clients.account.statuses == {200}


def test_idle_connections_are_closed_without_a_byte_and_do_not_hold_the_worker(tmp_path):
    # A bound, not a benchmark: the issue allows 3 s, stock Gunicorn takes all of graceful_timeout.
    # The best of three, since other work on the machine can take a second from any one.
    assert any(leaves_idle_connections_in_s(tmp_path) < 3 for _ in range(3))


def leaves_idle_connections_in_s(tmp_path):
    with Instance(tmp_path) as instance:
        wires = idle_connections(instance)
        told = time.monotonic()
        instance.stop()
        took_s = time.monotonic() - told
    assert_ended_in_silence(wires)
    return took_s


def test_a_reload_closes_idle_connections_without_a_byte(tmp_path):
    with Instance(tmp_path, WEB_CONCURRENCY="2") as instance:
        old, wires = set(instance.workers()), idle_connections(instance)
        instance.process.send_signal(signal.SIGHUP)
        eventually(lambda: has_new_workers(instance, old))

        assert_ended_in_silence(wires)


def test_a_replacement_takes_no_request_before_its_models_have_loaded(tmp_path):
    with (
        Instance(tmp_path, WEB_CONCURRENCY="2") as instance,
        Clients(instance.port, count=8, path=IRIS) as clients,
    ):
        for _ in range(3):
            old = set(instance.workers())
            instance.process.send_signal(signal.SIGHUP)
            eventually(lambda old=old: has_new_workers(instance, old), within_s=60)
            before = clients.account.answered
            eventually(lambda before=before: clients.account.answered > before + 100)

    assert clients.account.lost == []
    assert clients.account.statuses == {200}


def test_a_request_under_way_is_finished_and_readiness_turns_at_once(tmp_path):
    with Instance(tmp_path, WEIR_INFERENCE_THREADS="1") as instance, ExitStack() as stack:
        wires = [stack.enter_context(Wire(instance.port)) for _ in range(60)]
        probe = stack.enter_context(Wire(instance.port))
        assert probe.get("/readyz").answer().status == 200
        picture = CAT.read_bytes()
        head = (
            "POST /models/cat-or-dog/predict HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
        ).encode()
        for wire in wires:
            wire.send(head + picture)
        eventually(lambda: probe.get("/metrics").answer() and in_flight(probe) > 30)
        instance.process.send_signal(signal.SIGTERM)
        readiness = eventually(lambda: draining_readiness(probe))
        answers = [wire.answer() for wire in wires]

        assert [answer.status for answer in answers] == [200] * 60
        assert "close" in {answer.fields.get("connection") for answer in answers}
        assert readiness.json["reasons"] == [{"reason": "draining"}]
        assert readiness.fields["connection"] == "close"
        assert instance.stop() == 0


def in_flight(probe):
    text = probe.get("/metrics").answer().body.decode()
    return float(text.partition("\nhttp_requests_in_flight ")[2].split()[0])


def draining_readiness(probe):
    answer = probe.get("/readyz").answer()
    return answer if answer.status == 503 else None


def test_a_connection_that_the_kernel_has_accepted_is_served(tmp_path):
    """A worker that is stopped (SIGSTOP) accepts nothing; what waits in the queue is not lost."""
    with Instance(tmp_path) as instance, ExitStack() as stack:
        (worker,) = instance.workers()
        os.kill(worker, signal.SIGSTOP)
        wires = [stack.enter_context(Wire(instance.port)).get() for _ in range(50)]
        instance.process.send_signal(signal.SIGTERM)
        eventually(lambda: instance.lines(event="Handling signal: term"))
        os.kill(worker, signal.SIGCONT)

        assert [wire.answer().status for wire in wires] == [200] * 50


def test_the_port_is_free_after_the_end(tmp_path):
    with Instance(tmp_path) as instance:
        instance.stop()
        with pytest.raises(requests.ConnectionError):
            requests.get(instance.url, timeout=5)
    with Instance(tmp_path, PORT=str(instance.port)) as again:
        assert requests.get(again.url, timeout=5).ok
