"""Answers as they leave: one send, nothing computed twice."""

from email.utils import parsedate_to_datetime
from types import SimpleNamespace

import pytest
from gunicorn.http.errors import ParseException

from service.wire import response as module
from service.wire.response import JOINED_BYTES, Clock, Response

KEPT = "Connection: keep-alive\r\nKeep-Alive: timeout=95\r\n"


class Sends:
    """What has been sent, a send each."""

    def __init__(self):
        self.pieces = []
        self.sent_bytes = 0

    def sendall(self, data):
        self.pieces.append(bytes(data))
        self.sent_bytes += len(data)


@pytest.fixture
def sends():
    return Sends()


@pytest.fixture
def answered(sends):
    """Answer with a status, fields and a body; the head's lines and what followed it."""

    def answer(*pieces, status="200 OK", fields=(), version=(1, 1), close=False, method="GET"):
        request = SimpleNamespace(
            version=version, should_close=lambda: close, method=method, headers=[]
        )
        service = SimpleNamespace(
            cfg=SimpleNamespace(sendfile=False), clock=Clock(), keep_alive=KEPT
        )
        response = Response(request, sends, service, {})
        response.start_response(status, list(fields))
        for piece in pieces:
            response.write(piece)
        response.close()
        head, _, body = b"".join(sends.pieces).partition(b"\r\n\r\n")
        return head.decode().split("\r\n"), body, response

    return answer


def test_a_small_answer_is_one_send(answered, sends):
    head, body, response = answered(b"Hello", fields=[("Content-Length", "5")])

    assert len(sends.pieces) == 1
    assert head[0] == "HTTP/1.1 200 OK"
    assert "Content-Length: 5" in head
    assert not any(line.startswith("Server") for line in head)
    assert (body, response.body_bytes_sent) == (b"Hello", 5)


def test_a_large_one_is_not_copied_whole_behind_its_head(answered, sends):
    size_bytes = 3 * JOINED_BYTES
    _, body, _ = answered(b"x" * size_bytes, fields=[("Content-Length", str(size_bytes))])

    assert len(sends.pieces) == 2
    assert body == b"x" * size_bytes


def test_an_answer_says_that_the_connection_ends_or_for_how_long_it_is_kept(answered, sends):
    length = [("Content-Length", "0")]
    assert "Connection: close" in answered(close=True, fields=length)[0]
    sends.pieces.clear()
    assert {"Connection: keep-alive", "Keep-Alive: timeout=95"} <= {*answered(fields=length)[0]}


def test_http_1_0_is_told_that_its_connection_is_kept(answered):
    head, _, _ = answered(b"Hello", version=(1, 0), fields=[("Content-Length", "5")])

    assert "Connection: keep-alive" in head


def test_without_a_length_pieces_are_chunks(answered):
    head, body, _ = answered(b"Hel", b"lo")

    assert "Transfer-Encoding: chunked" in head
    assert body == b"3\r\nHel\r\n2\r\nlo\r\n0\r\n\r\n"


def test_the_date_is_formatted_once_a_second(monkeypatch):
    formatted = []
    monkeypatch.setattr(module, "time", iter([10.1, 10.9, 11.0]).__next__)
    format_date = module.formatdate
    monkeypatch.setattr(
        module,
        "formatdate",
        lambda at, **options: formatted.append(at) or format_date(at, **options),
    )
    clock = Clock()

    dates = [clock.date() for _ in range(3)]

    assert dates[0] == dates[1] != dates[2]
    assert parsedate_to_datetime(dates[2]).timestamp() == 11
    assert formatted == [10, 11]


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-A", "b\r\nX-C: d"), ("X-A\r\nX-C", "d"), ("X A", "b"), ("X-A", "b\x00"), ("", "b")],
)
def test_a_field_that_would_end_its_line_is_never_sent(answered, sends, name, value):
    with pytest.raises(ParseException):
        answered(b"x", fields=[("Content-Length", "1"), (name, value)])

    assert not sends.pieces


def test_fields_of_the_connection_are_the_server_s_own(answered):
    head, *_ = answered(b"x", fields=[("Content-Length", "1"), ("Connection", "x"), ("X-A", " b")])

    assert "Connection: x" not in head
    assert "X-A: b" in [line.replace("  ", " ") for line in head]
