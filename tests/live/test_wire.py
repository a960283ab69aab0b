"""Bytes in, status and the connection's fate out; nothing ambiguous reaches the application."""

import time

import pytest

from tests.conftest import eventually
from tests.live.instance import Instance
from tests.live.wire import Wire

LIMIT_BYTES = 4096
PEER_IS_NO_PROXY = "192.0.2.1"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """An instance with small limits, whose clients are not trusted proxies."""
    variables = {
        "WEIR_BODY_LIMIT_BYTES": str(LIMIT_BYTES),
        "WEIR_HEAD_TIMEOUT_S": "1",
        "WEIR_BODY_TIMEOUT_S": "1",
        "WEIR_BODY_RATE_BYTES_PER_S": "1000",
        "FORWARDED_ALLOW_IPS": PEER_IS_NO_PROXY,
    }
    with Instance(tmp_path_factory.mktemp("small"), **variables) as instance:
        yield instance


def request(line="GET / HTTP/1.1", *fields, host="Host: localhost", body=b""):
    lines = [line, *([host] if host else []), *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def post(*fields, body=b""):
    return request("POST / HTTP/1.1", "Content-Type: application/json", *fields, body=body)


JSON = b'{"msg": 1}'
OVER = b'{"msg": "' + b"x" * (LIMIT_BYTES - 10) + b'"}'
assert len(OVER) == LIMIT_BYTES + 1

# name: (bytes in, status, whether the connection stays open)
TABLE = {
    "plain": (request(), 200, True),
    "HEAD": (request("HEAD /?msg=1 HTTP/1.1"), 200, True),
    "HTTP/1.0": (request("GET / HTTP/1.0"), 200, False),
    "HTTP/1.0 kept": (request("GET / HTTP/1.0", "Connection: keep-alive"), 200, True),
    "closed on request": (request("GET / HTTP/1.1", "Connection: close"), 200, False),
    "no Host in 1.0": (request("GET / HTTP/1.0", host=None), 200, False),
    "absolute form": (request("GET http://example.com/?msg=1 HTTP/1.1"), 200, True),
    "empty line first": (b"\r\n" + request(), 200, True),
    "at the limit": (post(f"Content-Length: {LIMIT_BYTES}", body=OVER[:-2] + b"}"), 400, True),
    "unknown method": (request("BREW / HTTP/1.1"), 405, True),
    "TRACE": (request("TRACE / HTTP/1.1"), 405, True),
    "OPTIONS *": (request("OPTIONS * HTTP/1.1"), 404, True),
    "CONNECT": (request("CONNECT example.com:443 HTTP/1.1"), 404, False),
    "missing Host": (request(host=None), 400, False),
    "two Hosts": (request("GET / HTTP/1.1", "Host: other"), 400, False),
    "bare LF": (b"GET / HTTP/1.1\nHost: localhost\n\n", 400, False),
    "bare LF in a field": (b"GET / HTTP/1.1\r\nHost: localhost\nX: 1\r\n\r\n", 400, False),
    "obs-fold": (request("GET / HTTP/1.1", "X: a", " b"), 400, False),
    "space in a name": (request("GET / HTTP/1.1", "X : a"), 400, False),
    "space before a name": (request("GET / HTTP/1.1", " X: a"), 400, False),
    "NUL in a value": (request("GET / HTTP/1.1", "X: a\x00b"), 400, False),
    "no colon": (request("GET / HTTP/1.1", "nonsense"), 400, False),
    "two words": (b"GET /\r\n\r\n", 400, False),
    "lower-case method": (request("get / HTTP/1.1"), 400, False),
    "control in the target": (b"GET /\x01 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, False),
    "HTTP/2 by its number": (request("GET / HTTP/2.0"), 400, False),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, False),
    "length twice": (post("Content-Length: 10", "Content-Length: 10", body=JSON), 400, False),
    "two lengths": (post("Content-Length: 10", "Content-Length: 11", body=JSON), 400, False),
    "length in a list": (post("Content-Length: 10, 10", body=JSON), 400, False),
    "length negative": (post("Content-Length: -1", body=JSON), 400, False),
    "length with a sign": (post("Content-Length: +10", body=JSON), 400, False),
    "length in other digits": (post("Content-Length: \xb2", body=JSON), 400, False),
    "length and chunked": (
        post("Content-Length: 10", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 400, False),
    "chunked in 1.0": (
        request("POST / HTTP/1.0", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 400, False),
    "chunked twice": (
        post("Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"), 400, False),
    "identity": (post("Transfer-Encoding: identity", body=JSON), 400, False),
    "gzip and chunked": (post("Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"), 501, False),
    "unknown coding": (post("Transfer-Encoding: xchunked", body=b"0\r\n\r\n"), 501, False),
    "chunk size no number": (post("Transfer-Encoding: chunked", body=b"z\r\n"), 400, False),
    "chunk too long": (
        post("Transfer-Encoding: chunked", body=b"3\r\nabcd\r\n0\r\n\r\n"), 400, False),
    "chunk size signed": (
        post("Transfer-Encoding: chunked", body=b"+3\r\nabc\r\n0\r\n\r\n"), 400, False),
    "chunk ended by LF": (
        post("Transfer-Encoding: chunked", body=b"3\nabc\n0\n\n" + b"\r\n"), 400, False),
    "declared over the limit": (post(f"Content-Length: {LIMIT_BYTES + 1}"), 413, False),
    "sent over the limit": (post(f"Content-Length: {len(OVER)}", body=OVER), 413, False),
    "chunked over the limit": (
        post("Transfer-Encoding: chunked", body=b"%x\r\n%b\r\n0\r\n\r\n" % (len(OVER), OVER)),
        413, False),
    "over the limit, expected": (
        post(f"Content-Length: {LIMIT_BYTES + 1}", "Expect: 100-continue"), 413, False),
    "long URL": (request(f"GET /{'x' * 9000} HTTP/1.1"), 414, False),
    "unknown expectation": (request("GET / HTTP/1.1", "Expect: tea"), 417, False),
    "long field": (request("GET / HTTP/1.1", "X: " + "x" * 9000), 431, False),
    "many fields": (request("GET / HTTP/1.1", *["X: 1"] * 101), 431, False),
    "slow head": (b"GET / HTTP/1.1\r\nHost: local", 408, False),
    "slow body": (post("Content-Length: 10", body=b'{"msg'), 408, False),
    "slow chunk": (post("Transfer-Encoding: chunked", body=b"a\r\n{"), 408, False),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_bytes_in_status_and_fate_out(small, name):
    sent, status, stays_open = TABLE[name]

    with Wire(small.port) as wire:
        answer = wire.send(sent).answer(has_body=name != "HEAD")

        assert answer.status == status, answer
        assert "server" not in answer.fields
        if status >= 400:
            assert answer.fields["content-type"] == "application/problem+json"
            assert answer.json["status"] == status
        if stays_open:
            assert wire.is_open()
        else:
            assert wire.rest() == b""
    (line,) = eventually(lambda: small.lines(request_id=answer.fields["x-request-id"]))
    assert line["status"] == status


def test_nothing_that_was_refused_was_counted_under_a_route(small):
    before = small.metric("http_requests_total", route="/")
    for sent, status, stays_open in TABLE.values():
        if status >= 400 and not stays_open and b"CONNECT" not in sent and b"Timeout" not in sent:
            with Wire(small.port) as wire:
                wire.send(sent).answer()

    time.sleep(0.05)
    assert small.metric("http_requests_total", route="/") == before


def test_pipelined_requests_are_answered_in_order(small):
    with Wire(small.port) as wire:
        wire.send(b"".join(request(f"GET /?msg={number} HTTP/1.1") for number in range(50)))

        assert [wire.answer().json["response"] for _ in range(50)] == [str(n) for n in range(50)]


def test_a_pipelined_body_is_not_taken_for_a_request(small):
    with Wire(small.port) as wire:
        wire.send(post("Content-Length: 10", body=JSON) + request("GET /?msg=2 HTTP/1.1"))

        assert [wire.answer().json["response"] for _ in range(2)] == [1, "2"]


def test_a_request_that_comes_byte_by_byte_is_a_request(small):
    sent = post("Content-Length: 10", body=JSON)

    with Wire(small.port) as wire:
        for position in range(len(sent)):
            wire.send(sent[position : position + 1])
        assert wire.answer().json == {"response": 1, "success": True}


def test_continue_is_said_before_the_body_is_awaited_and_not_before_a_refusal(small):
    with Wire(small.port) as wire:
        wire.send(post("Content-Length: 10", "Expect: 100-continue"))
        assert wire.answer(has_body=False).status == 100
        assert wire.send(JSON).answer().json["response"] == 1

    with Wire(small.port) as wire:
        wire.send(post(f"Content-Length: {LIMIT_BYTES + 1}", "Expect: 100-continue"))
        assert wire.answer().status == 413


def test_a_slow_but_honest_upload_passes(small):
    """2 KB/s against a deadline of 1 s and a rate of 1 KB/s: 2 s in all."""
    body = OVER[:-3] + b'"}'

    with Wire(small.port) as wire:
        wire.send(post(f"Content-Length: {len(body)}"))
        for position in range(0, len(body), 512):
            wire.send(body[position : position + 512])
            time.sleep(0.25)
        assert wire.answer().status == 200


def test_a_drip_does_not(small):
    with Wire(small.port) as wire:
        wire.send(post("Content-Length: 1000"))
        dripped = eventually(lambda: drip_fails(wire))
        answer = wire.answer()

    assert dripped < 30
    assert answer.status == 408


def drip_fails(wire):
    """How many bytes went, one every 0.1 s, before the server answered."""
    wire.socket.settimeout(0.1)
    for number in range(100):
        wire.send(b"x")
        try:
            wire._receive()
        except TimeoutError:
            continue
        wire.socket.settimeout(20)
        return number
    return None


def test_a_refused_client_that_sends_on_still_gets_its_answer(small):
    megabytes = b"x" * (20 << 20)

    with Wire(small.port) as wire:
        wire.send(post(f"Content-Length: {len(megabytes)}", body=megabytes))
        assert wire.answer().status == 413


@pytest.mark.parametrize(
    "field",
    ["SCRIPT_NAME: /x", "Script-Name: /x", "SCRIPT-NAME: /x", "X-Forwarded-Host: evil",
     "X-Forwarded-Proto: https", "X-Forwarded-Prefix: /x", "X_Forwarded_For: 6.6.6.6",
     "Forwarded: for=6.6.6.6", "X-Forwarded-For: 6.6.6.6", "X-Real-IP: 6.6.6.6"],
)  # fmt: skip
def test_a_client_cannot_pass_for_a_proxy(small, field):
    with Wire(small.port) as wire:
        answer = wire.get("/models/cat-or-dog", field).answer()

    assert answer.json["model"]["predict"] == "http://localhost/models/cat-or-dog/predict"
    (line,) = eventually(lambda: small.lines(request_id=answer.fields["x-request-id"]))
    assert line["client_ip"] == "127.0.0.1"
    assert line["path"] == "/models/cat-or-dog"


def test_an_absolute_target_names_the_host(small):
    with Wire(small.port) as wire:
        answer = wire.get("http://example.com/models/cat-or-dog").answer()

    assert answer.json["model"]["predict"].startswith("http://example.com/")


def test_a_client_that_leaves_in_the_middle_disturbs_nobody(small):
    for sent in (b"GET / HT", post("Content-Length: 100", body=b"{"), request() * 3):
        with Wire(small.port) as wire:
            wire.send(sent)

    with Wire(small.port) as wire:
        assert wire.is_open()
    assert not small.lines(level="error")
    assert not small.lines(event="connection_failed")
