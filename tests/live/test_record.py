"""One record a request: its line, its counts and its Server-Timing agree, whatever its end."""

import re
import time
from contextlib import ExitStack

import pytest
import requests

from tests.conftest import eventually
from tests.live.instance import Instance
from tests.live.sleeping import ASK, SPAN, STAGES, TRACE, line_of, repository, spent_ms
from tests.live.wire import Wire


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("record")
    settings = {"WEIR_HANDLING_TIMEOUT_S": "2", "WEIR_BODY_TIMEOUT_S": "1"}
    with Instance(folder, **repository(folder), **settings) as instance:
        yield instance


def sleep(service, seconds, **fields):
    return requests.get(service.url + ASK, params={"x": seconds}, headers=fields, timeout=30)


REQUESTS = {
    "an echo": b"GET /?msg=Hello HTTP/1.1\r\nHost: a\r\n\r\n",
    "a body": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    b'Content-Length: 11\r\n\r\n{"msg":"x"}',
    "nothing there": b"GET /nope HTTP/1.1\r\nHost: a\r\n\r\n",
    "a method not taken": b"DELETE / HTTP/1.1\r\nHost: a\r\n\r\n",
    "invalid input": b"GET /models/sleeper/predict?y=1 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a probe": b"HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    "a head that cannot be parsed": b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "too large a body": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n",
    "a drip": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1",
    "an overrun": b"GET /models/sleeper/predict?x=3 HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("sent", REQUESTS.values(), ids=REQUESTS)
def test_every_answer_tells_its_stages(service, sent):
    with Wire(service.port) as wire:
        answer = wire.send(sent).answer(has_body=not sent.startswith(b"HEAD"))

    timing = dict(re.findall(r"(\w+);dur=([0-9.]+)", answer.fields["server-timing"]))
    assert list(timing) == [*STAGES, "total"]
    stages_ms = [float(timing[stage]) for stage in STAGES]
    assert sum(stages_ms) == pytest.approx(float(timing["total"]), abs=0.01)


@pytest.mark.parametrize("sent", REQUESTS.values(), ids=REQUESTS)
def test_whatever_the_end_there_is_one_line_and_its_stages_are_its_time(service, sent):
    before = len(service.lines(event="http_request"))
    with Wire(service.port) as wire:
        answer = wire.send(sent).answer(has_body=not sent.startswith(b"HEAD"))
    if b"healthz" in sent:
        return  # a probe that succeeds has its line at debug

    line = line_of(service, answer.fields["x-request-id"])
    assert len(service.lines(event="http_request")) == before + 1
    assert line["status"] == answer.status
    assert spent_ms(line) == pytest.approx(line["total_ms"], rel=0.05)
    for stage, told in re.findall(r"(\w+);dur=([0-9.]+)", answer.fields["server-timing"]):
        if stage != "total":
            assert line.get(f"{stage}_ms", 0) == pytest.approx(float(told), abs=0.0011)


def test_the_stages_are_the_time_that_the_client_has_waited(service):
    started = time.perf_counter()
    with Wire(service.port) as wire:
        wire.send(b"GET /models/sleeper/predict?x=0.5 HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = wire.answer()
    waited_ms = (time.perf_counter() - started) * 1000

    line = line_of(service, answer.fields["x-request-id"])
    assert spent_ms(line) == pytest.approx(waited_ms, rel=0.05)
    assert line["infer_ms"] == pytest.approx(500, rel=0.05)


def test_a_batch_s_requests_tell_how_many_they_were(service):
    with ExitStack() as stack:
        held, *waiting = [stack.enter_context(Wire(service.port)) for _ in range(4)]
        held.get("/models/sleeper/predict?x=0.6")
        eventually(lambda: service.lines(event="model_output", line="asked for 0.6"))
        for wire in waiting:
            wire.get("/models/sleeper/predict?x=0.2")
        ids = [wire.answer().fields["x-request-id"] for wire in [held, *waiting]]

    alone, *together = [line_of(service, request_id) for request_id in ids]
    assert (alone["batch_requests"], alone["batch_rows"]) == (1, 1)
    assert {line["batch_requests"] for line in together} == {3}
    assert all(line["queue_ms"] > 200 > line["batch_ms"] for line in together)


def test_lines_of_a_request_carry_its_ids_also_those_of_the_model_s_process(service):
    answer = sleep(service, 0.31, traceparent=f"00-{TRACE}-{SPAN}-01")
    request_id = answer.headers["X-Request-ID"]

    printed = eventually(lambda: service.lines(event="model_output", line="asked for 0.31"))
    assert [(line["request_id"], line["trace_id"]) for line in printed] == [(request_id, TRACE)]
    line = line_of(service, request_id)
    assert line["trace_id"] == TRACE
    assert len(line["span_id"]) == 16
    assert line["span_id"] != SPAN


def test_lines_of_one_request_do_not_carry_another_s_ids(service):
    with Wire(service.port) as wire:
        first, second = (wire.get("/?msg=1").answer() for _ in range(2))
    ids = [answer.fields["x-request-id"] for answer in (first, second)]

    assert len(set(ids)) == 2
    assert [line_of(service, each)["request_id"] for each in ids] == ids
    others = [line for line in service.lines() if line["event"] == "model_ready"]
    assert not any("request_id" in line for line in others)


def test_a_trace_context_that_is_not_well_formed_begins_a_trace_of_its_own(service):
    answer = sleep(service, 0, traceparent=f"00-{TRACE}-{'0' * 16}-01")

    line = line_of(service, answer.headers["X-Request-ID"])
    assert line["trace_id"] == line["request_id"]


def test_the_router_s_wait_is_told(service):
    sent = str(int(time.time() * 1000) - 1500)
    answer = sleep(service, 0, **{"X-Request-Start": sent})

    assert line_of(service, answer.headers["X-Request-ID"])["router_ms"] >= 1500
