"""An answer on its way out: at the client's pace, within bounds, and recorded as what has left."""

import json
import socket
import time
from contextlib import ExitStack

import pytest

from tests.conftest import eventually
from tests.live.clients import IRIS
from tests.live.instance import Instance
from tests.live.wire import Wire

LARGE = b'{"msg": "' + b"x" * 8_000_000 + b'"}'


def echo(body):
    return (
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


@pytest.fixture(scope="module")
def hasty(tmp_path_factory):
    """An instance whose handling limit and write window are short."""
    variables = {"WEIR_HANDLING_TIMEOUT_S": "1", "WEIR_WRITE_TIMEOUT_S": "1"}
    with Instance(tmp_path_factory.mktemp("writing"), **variables) as instance:
        yield instance


def slow_reader(instance):
    wire = Wire(instance.port)
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
    return wire.send(echo(LARGE))


def test_a_slow_but_steady_reader_gets_all_of_a_large_answer(hasty):
    """Three seconds of reading, against a handling limit of one."""
    with slow_reader(hasty) as wire:
        for _ in range(15):
            time.sleep(0.2)
            wire._receive()
        answer = wire.answer()

    assert answer.status == 200
    assert len(answer.json["response"]) == 8_000_000
    (line,) = eventually(lambda: hasty.lines(request_id=answer.fields["x-request-id"]))
    assert "cut" not in line
    assert line["bytes_out"] == len(answer.body)
    assert hasty.metric("http_timeouts_total", phase="handling") == 0


def test_an_answer_that_is_cut_short_is_recorded_as_that(hasty):
    before = hasty.metric("http_timeouts_total", phase="write")

    with slow_reader(hasty):
        (line,) = eventually(lambda: hasty.lines(cut="write_timeout"))

    assert line["status"] == 200
    assert 0 < line["bytes_out"] < 8_000_000
    assert hasty.metric("http_timeouts_total", phase="write") == before + 1
    assert hasty.metric("http_timeouts_total", phase="handling") == 0


def test_a_client_that_leaves_in_the_middle_of_its_answer_is_recorded_as_that(hasty):
    with slow_reader(hasty) as wire:
        wire._receive()

    (line,) = eventually(lambda: hasty.lines(cut="disconnected"))
    assert 0 < line["bytes_out"] < 8_000_000


@pytest.mark.parametrize("sent", [b"/?msg=1", IRIS.encode()], ids=["echo", "prediction"])
def test_a_client_that_ends_its_side_after_the_request_gets_its_answer(hasty, sent):
    for _ in range(20):
        with Wire(hasty.port) as wire:
            wire.send(b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % sent)
            wire.socket.shutdown(socket.SHUT_WR)
            answer = wire.answer()

            assert answer.status == 200, answer.body
            assert json.loads(answer.body)["success"] is True
            assert wire.rest() == b""


def test_a_request_that_ends_as_its_time_does_leaves_the_next_one_alone(tmp_path):
    """Handling of about the limit: some are late, but none gets another's timeout."""
    (tmp_path / "sitecustomize.py").write_text(
        "import random, time, urllib.parse\n"
        "urllib.parse.urlencode = lambda _: time.sleep(random.uniform(0.85, 1.15)) or ''\n"
    )
    variables = {"WEIR_HANDLING_TIMEOUT_S": "1", "PYTHONPATH": str(tmp_path)}
    with Instance(tmp_path, **variables) as instance, ExitStack() as stack:
        wire = stack.enter_context(Wire(instance.port))
        for _ in range(12):
            answer = wire.get("/models/iris").answer()
            assert answer.status in {200, 504}, answer.body
            if answer.fields.get("connection") == "close":
                wire.socket.close()
                wire = stack.enter_context(Wire(instance.port))
            assert wire.get("/?msg=next").answer().json["response"] == "next"
