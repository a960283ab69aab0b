"""Each phase of a connection has its deadline, and ends with a status, a line and a count."""

import socket
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import encoded, eventually
from tests.live.clients import Clients
from tests.live.instance import Instance
from tests.live.wire import Wire

ATTACKERS = 500


@pytest.fixture(scope="module")
def hasty(tmp_path_factory):
    """An instance whose every deadline is short."""
    variables = {
        "WEIR_IDLE_TIMEOUT_S": "1",
        "WEIR_HEAD_TIMEOUT_S": "1",
        "WEIR_BODY_TIMEOUT_S": "1",
        "WEIR_HANDLING_TIMEOUT_S": "1",
        "WEIR_WRITE_TIMEOUT_S": "1",
        "WEIR_INFERENCE_THREADS": "1",
    }
    with Instance(tmp_path_factory.mktemp("hasty"), **variables) as instance:
        yield instance


def timeouts(instance, phase):
    return instance.metric("http_timeouts_total", phase=phase)


def test_an_idle_connection_is_closed_without_a_byte(hasty):
    before = timeouts(hasty, "idle")

    with Wire(hasty.port) as wire:
        assert wire.get().answer().status == 200
        assert wire.rest() == b""

    assert timeouts(hasty, "idle") == before + 1


def test_a_connection_that_never_speaks_is_closed(hasty):
    with Wire(hasty.port) as wire:
        assert wire.rest() == b""


def test_a_head_that_stalls_is_answered_408_and_counted(hasty):
    before = timeouts(hasty, "head")

    with Wire(hasty.port) as wire:
        answer = wire.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n").answer()

    assert answer.status == 408
    assert timeouts(hasty, "head") == before + 1


def test_a_body_that_stalls_is_answered_408_and_counted(hasty):
    before = timeouts(hasty, "body")
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"

    with Wire(hasty.port) as wire:
        answer = wire.send(head + b"{").answer()

    assert answer.status == 408
    assert timeouts(hasty, "body") == before + 1


def test_a_prediction_that_takes_too_long_is_answered_504_and_counted(hasty):
    picture = encoded(Image.new("RGB", (4000, 4000)), "PNG")  # small to send, long to decode
    head = (
        "POST /models/cat-or-dog/predict HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
    ).encode()

    with ExitStack() as stack:
        wires = [stack.enter_context(Wire(hasty.port)) for _ in range(60)]
        for wire in wires:
            wire.send(head + picture)
        answers = [wire.answer() for wire in wires]

    late = [answer for answer in answers if answer.status == 504]
    # Whom the estimate gives no chance is told at once; how many these are is the machine's affair.
    hopeless = [answer for answer in answers if answer.status == 503]
    assert {answer.status for answer in answers} - {503} == {200, 504}
    assert all("it has less time than" in answer.json["detail"] for answer in hopeless)
    assert "within the time" in late[0].json["detail"]
    assert hasty.metric("model_predictions_total", outcome="expired") == len(late)
    for answer in late:
        (line,) = eventually(lambda rid=answer.fields["x-request-id"]: hasty.lines(request_id=rid))
        assert (line["status"], line["outcome"]) == (504, "expired")
    eventually(lambda: hasty.metric("http_requests_in_flight") == 1)
    eventually(lambda: hasty.metric("model_queued_rows") == 0)


def test_handling_that_never_ends_is_answered_504_and_counted(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import time, urllib.parse\n"
        "urllib.parse.urlencode = lambda _: time.sleep(60)\n"  # where no deadline is kept
    )
    variables = {"WEIR_HANDLING_TIMEOUT_S": "1", "PYTHONPATH": str(tmp_path)}

    with Instance(tmp_path, **variables) as instance:
        with Wire(instance.port) as wire:
            answer = wire.get("/models/iris").answer()

        assert answer.status == 504
        assert answer.json["detail"] == "the answer took longer than this server may take"
        assert timeouts(instance, "handling") == 1
        (line,) = eventually(lambda: instance.lines(request_id=answer.fields["x-request-id"]))
        assert (line["status"], line["route"]) == (504, "/models/<name>")


def test_a_client_that_does_not_read_is_let_go_and_counted(hasty):
    before = timeouts(hasty, "write")
    body = b'{"msg": "' + b"x" * 9_000_000 + b'"}'
    head = (
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()

    with Wire(hasty.port) as wire:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.send(head + body)
        eventually(lambda: timeouts(hasty, "write") == before + 1)

    eventually(lambda: hasty.metric("http_requests_in_flight") == 1)


def test_attackers_are_closed_and_leave_nothing_behind(tmp_path):
    """500 slow heads and 500 slow bodies, while others are served."""
    slow_head = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "
    slow_body = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
    variables = {"WEIR_HEAD_TIMEOUT_S": "2", "WEIR_BODY_TIMEOUT_S": "2", "WEB_CONCURRENCY": "2"}
    with Instance(tmp_path, **variables) as instance, ExitStack() as stack:
        with Clients(instance.port, count=8) as clients:
            eventually(lambda: clients.account.answered > 100)
        assert timeouts(instance, "head") == 0
        before = eventually(lambda: settled(instance))
        attackers = [
            stack.enter_context(Wire(instance.port)).send(sent)
            for sent in [slow_head, slow_body] * ATTACKERS
        ]
        with Clients(instance.port, count=8) as clients:
            ends = [fate(wire) for wire in attackers]

        assert ends == [408] * 2 * ATTACKERS
        assert clients.account.lost == []
        assert clients.account.answered > 100
        assert timeouts(instance, "head") == ATTACKERS
        assert timeouts(instance, "body") == ATTACKERS
        eventually(lambda: descriptors(instance) <= before)


def fate(attacker):
    """Drip on until the server answers; the status of its answer."""
    deadline = time.monotonic() + 20
    attacker.socket.settimeout(0.5)
    while time.monotonic() < deadline:
        try:
            return attacker.answer().status
        except TimeoutError:
            attacker.send(b"x")
    return None


def settled(instance):
    """The number of descriptors, once it stays the same."""
    first = descriptors(instance)
    time.sleep(0.2)
    return first if descriptors(instance) == first else None


def descriptors(instance):
    return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in instance.workers())
