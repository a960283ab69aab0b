"""Spans, as an OTLP receiver has them over HTTP; and one that fails, which costs nothing."""

import threading
import time

import pytest
import requests

from tests.conftest import eventually, framework
from tests.live.clients import IRIS
from tests.live.instance import Instance, free_port
from tests.live.otlp import Receiver
from tests.live.sleeping import ASK, SPAN, TRACE, repository
from tests.live.wire import Wire

framework("opentelemetry.proto.collector.trace.v1.trace_service_pb2", "make install-otlp")

SOON = {"OTEL_BSP_SCHEDULE_DELAY": "100"}
SERVER = 2  # SpanKind of the protocol


def traced(folder, receiver, **variables):
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url}
    return Instance(folder, **endpoint, **SOON, **variables)


@pytest.fixture(scope="module")
def receiver():
    with Receiver() as started:
        yield started


@pytest.fixture(scope="module")
def service(tmp_path_factory, receiver):
    folder = tmp_path_factory.mktemp("traced")
    with traced(folder, receiver, **repository(folder)) as instance:
        yield instance


def span_of(receiver, answer):
    request_id = answer.headers["X-Request-ID"]

    def found():
        return [
            span for span in receiver.spans if span.attributes.get("weir.request_id") == request_id
        ]

    (span,) = eventually(found)
    return span


def test_a_request_is_a_server_span_by_the_conventions_names(service, receiver):
    answer = requests.get(service.url + "/?msg=secret", timeout=5)

    span = span_of(receiver, answer)
    assert (span.name, span.kind, span.parent_id) == ("GET /", SERVER, "")
    wanted = {
        "http.request.method": "GET",
        "http.route": "/",
        "url.path": "/",
        "http.response.status_code": 200,
        "client.address": "127.0.0.1",
    }
    assert wanted.items() <= span.attributes.items()
    assert "secret" not in str(span.attributes)
    (line,) = service.lines(request_id=answer.headers["X-Request-ID"])
    assert (span.trace_id, span.span_id) == (line["trace_id"], line["span_id"])
    duration_ms = (span.end_ns - span.start_ns) / 1e6
    assert duration_ms == pytest.approx(line["total_ms"], abs=0.01)
    assert abs(span.end_ns / 1e9 - time.time()) < 60
    assert receiver.resources[0]["service.name"] == "weir"


def test_a_caller_s_trace_is_continued(service, receiver):
    fields = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "congo=t61, rojo=00f"}
    span = span_of(receiver, requests.get(service.url, headers=fields, timeout=5))

    assert (span.trace_id, span.parent_id, span.state) == (TRACE, SPAN, "congo=t61,rojo=00f")


def test_what_the_caller_does_not_sample_is_not_told_but_where_it_fails_or_lasts(service, receiver):
    ask = service.url + ASK

    def asked(**query):
        fields = {"traceparent": f"00-{TRACE}-{SPAN}-00"}
        return requests.get(ask, params=query, headers=fields, timeout=30)

    quick, slow = asked(x=0), asked(x=1.01)
    failed = asked(x=-1)  # time.sleep() raises
    last = requests.get(service.url, timeout=5)

    assert (quick.status_code, slow.status_code, failed.status_code) == (200, 200, 500)
    for told in (slow, failed, last):
        span_of(receiver, told)
    assert span_of(receiver, failed).is_error
    ids = {span.attributes.get("weir.request_id") for span in receiver.spans}
    assert quick.headers["X-Request-ID"] not in ids


def test_a_batch_is_one_span_with_links_to_its_requests_and_the_model_s_time_below_it(
    service, receiver
):
    before = len(receiver.named("batch"))
    wires = [Wire(service.port) for _ in range(4)]
    try:
        wires[0].get("/models/sleeper/predict?x=0.5")
        eventually(lambda: service.lines(event="model_output", line="asked for 0.5"))
        for wire in wires[1:]:
            wire.get("/models/sleeper/predict?x=0.2")
        ids = [wire.answer().fields["x-request-id"] for wire in wires]
    finally:
        for wire in wires:
            wire.socket.close()

    eventually(lambda: len(receiver.named("batch")) == before + 2)
    together = receiver.named("batch")[-1]
    requests_of_it = [
        span for span in receiver.spans if span.attributes.get("weir.request_id") in ids[1:]
    ]
    assert len(requests_of_it) == 3
    assert together.links == {(span.trace_id, span.span_id) for span in requests_of_it}
    assert together.attributes["weir.batch.requests"] == 3
    above = next(span for span in requests_of_it if span.span_id == together.parent_id)
    others = [span for span in requests_of_it if span is not above]
    assert all(span.links == {(together.trace_id, together.span_id)} for span in others)
    (inference,) = [
        span for span in receiver.named("inference") if span.parent_id == together.span_id
    ]
    assert together.start_ns <= inference.start_ns < inference.end_ns <= together.end_ns
    assert (inference.end_ns - inference.start_ns) / 1e6 == pytest.approx(200, abs=50)
    assert inference.attributes["process.pid"] not in {*service.workers(), service.process.pid}
    waits = [span for span in receiver.named("queue") if span.parent_id == above.span_id]
    assert [wait.end_ns for wait in waits] == [together.start_ns]


@pytest.mark.parametrize(
    ("sampler", "argument", "share"),
    [
        ("traceidratio", "0.25", 0.25),
        ("parentbased_always_on", "", 0.0),
        pytest.param("always_off", "", 0.0, marks=pytest.mark.whole),
        pytest.param("always_on", "", 1.0, marks=pytest.mark.whole),
    ],
)
def test_the_sampler_is_the_operator_s_to_choose(tmp_path, sampler, argument, share):
    chosen = {"OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": argument}
    with Receiver() as receiver, traced(tmp_path, receiver, **chosen) as instance:
        with requests.Session() as session:
            for number in range(200):  # at even distances in the range of identifiers
                trace_id = f"{1:016x}{number * 2**64 // 200:016x}"
                fields = {"traceparent": f"00-{trace_id}-{SPAN}-00"}
                session.get(instance.url, headers=fields, timeout=5)
        instance.stop()  # what waits is sent

        assert len(receiver.named("GET /")) == 200 * share


def test_what_cannot_be_used_is_told_and_left_aside(tmp_path):
    nonsense = {
        "OTEL_TRACES_SAMPLER": "xray",
        "OTEL_BSP_MAX_QUEUE_SIZE": "-1",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
    }
    with Receiver() as receiver, traced(tmp_path, receiver, **nonsense) as instance:
        span_of(receiver, requests.get(instance.url, timeout=5))

        told = instance.lines(event="tracing_setting_ignored")
        assert {line["variable"] for line in told} == set(nonsense)


@pytest.mark.parametrize("off", [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}])
def test_it_is_off_where_it_is_said_to_be(tmp_path, off):
    with Receiver() as receiver, traced(tmp_path, receiver, **off) as instance:
        requests.get(instance.url, timeout=5)
        instance.stop()

        assert not receiver.requests


def test_without_the_packages_it_serves_and_says_so(tmp_path):
    (tmp_path / "opentelemetry.py").write_text("raise ImportError")
    variables = {"PYTHONPATH": str(tmp_path), "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    with Instance(tmp_path, **variables) as instance:
        assert requests.get(instance.url, timeout=5).ok
        (line,) = instance.lines(event="tracing_unavailable")
        assert "make install-otlp" in line["reason"]


class Absent:
    url = f"http://127.0.0.1:{free_port()}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


RECEIVERS = {
    "hangs": lambda: Receiver(delay=threading.Event()),
    "refuses": lambda: Receiver(status=503),
    "is absent": Absent,
}


@pytest.mark.parametrize("kind", RECEIVERS)
def test_a_receiver_that_fails_costs_a_request_nothing(tmp_path, kind):
    small = {"OTEL_BSP_MAX_QUEUE_SIZE": "50", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    with RECEIVERS[kind]() as receiver, traced(tmp_path, receiver, **small) as instance:
        with requests.Session() as session:
            statuses = {session.get(instance.url + IRIS, timeout=5).status_code for _ in range(400)}

        assert statuses == {200}
        eventually(lambda: instance.metric("trace_requests_dropped_total") > 0)
        assert len(instance.lines(route="/models/<name>/predict")) == 400
        assert instance.metric("observer_faults_total") == 0
        if kind != "hangs":
            eventually(lambda: instance.lines(event="traces_not_exported"))
        assert instance.stop() == 0
