"""Bodies as they come over a socket: declared, chunked, short, malformed."""

import json
import socket

import pytest

from tests.conftest import eventually

LIMIT_BYTES = 10 << 20


def exchange(service, sent: bytes) -> tuple[int, dict, bytes]:
    """Send raw bytes, end the sending side, and read one answer: status, body, its head."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        received = b""
        while block := client.recv(1 << 20):
            received += block
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body), head


def post(*headers: str, body: bytes = b"") -> bytes:
    lines = ["POST / HTTP/1.1", "Host: localhost", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked(*chunks: bytes) -> bytes:
    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""])
    return post("Transfer-Encoding: chunked", body=framed)


def echo_of(size_bytes: int) -> bytes:
    """An echo request's body of exactly this size."""
    return b'{"msg":"' + b"x" * (size_bytes - 10) + b'"}'


def test_a_chunked_body_is_read_whole(service):
    status, said, _ = exchange(service, chunked(b'{"msg": "in', b" two", b' pieces"}'))

    assert (status, said) == (200, {"response": "in two pieces", "success": True})


def test_the_limit_itself_is_accepted_both_ways(service):
    body = echo_of(LIMIT_BYTES)

    for sent in (post(f"Content-Length: {LIMIT_BYTES}", body=body), chunked(body)):
        status, said, _ = exchange(service, sent)
        assert status == 200
        assert len(said["response"]) == LIMIT_BYTES - 10


def test_one_byte_over_the_limit_is_refused_both_ways(service):
    body = echo_of(LIMIT_BYTES + 1)

    for sent in (post(f"Content-Length: {len(body)}", body=body), chunked(body)):
        status, said, _ = exchange(service, sent)
        assert status == 413
        assert str(LIMIT_BYTES) in said["detail"]


def test_a_body_shorter_than_declared_is_refused(service):
    status, said, _ = exchange(service, post("Content-Length: 100", body=b'{"msg": "cut"}'))

    assert status == 400
    assert "ended before the body did" in said["detail"]


@pytest.mark.parametrize(
    "body",
    [b"zz\r\nabc\r\n0\r\n\r\n", b"3\r\nabcdef\r\n0\r\n\r\n", b'e\r\n{"msg": "cut"}\r\n'],
    ids=["size is no number", "longer than its size", "ends without the last chunk"],
)
def test_a_malformed_chunked_body_is_refused(service, body):
    status, said, head = exchange(service, post("Transfer-Encoding: chunked", body=body))

    assert status == 400
    assert said["success"] is False
    assert b"application/problem+json" in head


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"GET /?msg=s3cr3t-line HTTP/1.1\r\nHost: a\r\nBad Header: 1\r\n\r\n", 400),
        (b"GET /?msg=s3cr3t-line HTTP/9.9\r\nHost: a\r\n\r\n", 400),
        (b"s3cr3t-line\r\n\r\n", 400),
        (b"GET /?msg=s3cr3t-line" + b"x" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: s3cr3t-line" + b"x" * 9000 + b"\r\n\r\n", 431),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: s3cr3t-line, chunked\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost: a\r\nExpect: s3cr3t-line\r\n\r\n", 417),
    ],
    ids=lambda value: str(value[:30]) if isinstance(value, bytes) else None,
)
def test_what_is_not_a_request_is_a_problem_one_line_and_one_count(service, sent, expected):
    before = service.metric("http_requests_total", status=str(expected))

    status, said, head = exchange(service, sent)

    assert status == expected
    assert said["status"] == expected
    assert b"application/problem+json" in head
    assert b"s3cr3t-line" not in json.dumps(said).encode()
    (line,) = eventually(lambda: service.lines(request_id=said["request_id"]))
    assert line["status"] == expected
    assert "s3cr3t-line" not in service.log.read_text()
    assert service.metric("http_requests_total", status=str(expected)) == before + 1
