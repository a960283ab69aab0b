"""What a user, a probe and an operator see of a running instance."""

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.conftest import CAT, COFFEE, eventually

PREDICT = "/models/cat-or-dog/predict"


def post_picture(session, url, picture):
    return session.post(url + PREDICT, data=picture, headers={"Content-Type": "image/jpeg"})


def test_predictions_from_32_connections_are_all_answered_and_counted_once(service):
    pictures = [CAT.read_bytes(), COFFEE.read_bytes(), b"not a picture"]
    route = {"route": "/models/<name>/predict"}
    before = {s: service.metric("http_requests_total", status=str(s), **route) for s in (200, 415)}

    def client(number):
        with requests.Session() as session:
            return [
                (post_picture(session, service.url, pictures[turn % 3]), turn % 3)
                for turn in range(number, number + 48)
            ]

    with ThreadPoolExecutor(32) as pool:
        answers = [pair for pairs in pool.map(client, range(32)) for pair in pairs]

    for answer, kind in answers:
        assert answer.status_code == (200, 200, 415)[kind], answer.text
        if kind < 2:
            assert answer.json()["response"]["label"] == ("cat", "neither")[kind]
    for status, count in Counter(answer.status_code for answer, _ in answers).items():
        told = before[status] + count
        eventually(
            lambda status=status, told=told: (
                service.metric("http_requests_total", status=str(status), **route) == told
            )
        )
    assert service.metric("model_predictions_total", outcome="answered") >= 1024
    assert service.metric("model_batch_rows_sum") >= 1024
    eventually(lambda: service.metric("http_requests_in_flight") == 1)  # the scrape itself
    assert service.metric("model_queued_rows") == 0
    assert service.metric("service_info") == 1


def test_a_request_is_one_line_with_its_facts_and_without_its_secrets(service):
    request_id = "canary-0123456789-abcdef"
    with requests.Session() as session:
        session.headers["X-Request-ID"] = request_id
        session.headers["Authorization"] = "Bearer s3cr3t-token"
        answer = session.post(service.url + "/?msg=s3cr3t-query", json={"msg": "s3cr3t-body"})

    (line,) = eventually(lambda: service.lines(request_id=request_id))
    assert answer.headers["X-Request-ID"] == request_id
    assert list(line)[:3] == ["timestamp", "level", "event"]
    assert line["event"] == "http_request"
    assert line["level"] == "info"
    assert (line["method"], line["route"], line["path"], line["status"]) == ("POST", "/", "/", 200)
    assert line["bytes_in"] == len('{"msg": "s3cr3t-body"}')
    assert line["bytes_out"] == len(answer.content)
    assert line["client_ip"] == "127.0.0.1"
    assert line["user_agent"].startswith("python-requests/")
    assert line["duration_ms"] > 0
    assert line["pid"] in service.workers()
    assert "s3cr3t" not in service.log.read_text()


def test_a_prediction_s_line_tells_the_model_and_its_stages(service):
    request_id = "prediction-0123456789"
    requests.post(
        service.url + PREDICT,
        data=CAT.read_bytes(),
        headers={"Content-Type": "image/jpeg", "X-Request-ID": request_id},
        timeout=10,
    )

    (line,) = eventually(lambda: service.lines(request_id=request_id))
    assert (line["model"], line["version"], line["rows"]) == ("cat-or-dog", "1", 1)
    assert line["outcome"] == "answered"
    assert 0 < line["decode_ms"] + line["infer_ms"] + line["queue_ms"] <= line["duration_ms"]
    assert "label" not in line


@pytest.mark.parametrize(
    "sent", ["short", "with space in the middle of it", "x" * 201, 'quote"quote"quote"quote"']
)
def test_a_request_id_that_is_not_well_formed_is_replaced(service, sent):
    answer = requests.get(service.url, headers={"X-Request-ID": sent}, timeout=10)

    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-ID"])


def test_two_requests_of_one_connection_have_ids_and_lines_of_their_own(service):
    with requests.Session() as session:
        ids = [session.get(service.url).headers["X-Request-ID"] for _ in range(2)]

    assert ids[0] != ids[1]
    for request_id in ids:
        assert len(eventually(lambda rid=request_id: service.lines(request_id=rid))) == 1


def test_probes_and_scrapes_are_silent_while_they_succeed(service):
    for path in ("/healthz", "/readyz", "/metrics"):
        assert requests.get(service.url + path, timeout=10).ok

    marker = requests.get(service.url, timeout=10).headers["X-Request-ID"]
    eventually(lambda: service.lines(request_id=marker))
    probes = {"/healthz", "/readyz", "/metrics"}
    assert not [line for line in service.lines(status=200) if line["path"] in probes]


def test_start_and_ready_are_lines_of_the_same_shape(service):
    assert service.lines(event="Starting gunicorn 27.0.1", logger="gunicorn.error")
    assert len(service.lines(event="model_ready", model="cat-or-dog")) == 2
    assert all({"timestamp", "level", "event", "pid"} <= line.keys() for line in service.lines())


def test_routes_are_labels_and_paths_are_not(service):
    for number in range(20):
        requests.get(f"{service.url}/scanner/{number}", timeout=10)
        requests.request(f"BREW{number}", service.url, timeout=10)

    eventually(lambda: service.metric("http_requests_total", route="<unmatched>") >= 20)
    text = requests.get(service.url + "/metrics", timeout=10).text
    assert "scanner" not in text
    assert "BREW" not in text
    assert service.metric("http_requests_total", method="OTHER", status="405") >= 20


def test_no_answer_tells_the_server_s_traceback_or_place(service):
    for answer in (
        requests.get(service.url + "/nowhere", timeout=10),
        requests.post(service.url + PREDICT, data=b"x" * 99, timeout=10),
        requests.post(
            service.url, data=b"{", headers={"Content-Type": "application/json"}, timeout=10
        ),
    ):
        assert 400 <= answer.status_code < 500
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Traceback" not in answer.text
        assert ".py" not in answer.text
        assert "/work" not in answer.text
