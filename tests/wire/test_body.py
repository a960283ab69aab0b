"""Bodies read whole or not at all, however the network cuts them."""

from types import SimpleNamespace

import pytest
from gunicorn.http.errors import (
    ChunkMissingTerminator,
    InvalidChunkExtension,
    InvalidChunkSize,
    LimitRequestHeaders,
)

from service.inference.account import UNCOUNTED_BYTES
from service.wire.body import FRAMING_BYTES, ROOM_STEP_BYTES, BodyReader
from service.wire.refusals import Refused

NEXT = b"GET / HTTP/1.1\r\n"


class Pieces:
    """A connection on which *data* arrives in pieces of *size_bytes*, and then its end."""

    def __init__(self, data, size_bytes):
        self._pieces = [data[at : at + size_bytes] for at in range(0, len(data), size_bytes)]
        self.unread_bytes = b""

    def read(self, _size, read_ahead=0):
        assert read_ahead > 0
        return self._pieces.pop(0) if self._pieces else b""

    def unread(self, data):
        self.unread_bytes = data + self.unread_bytes

    def turn(self):
        pass

    def left(self):
        return self.unread_bytes + b"".join(self._pieces)


def chunks(*contents, trailers=b"", extension=b""):
    framed = [b"%x%s\r\n%s\r\n" % (len(each), extension, each) for each in contents]
    return b"".join([*framed, b"0\r\n", trailers, b"\r\n"])


def read_chunked(data, size_bytes=1 << 20, limit_bytes=1 << 20):
    pieces = Pieces(data, size_bytes)
    request = SimpleNamespace(parse_headers=lambda *_, **__: None)
    reader = BodyReader(pieces, limit_bytes, lambda _size_bytes: None)
    return reader.read_chunked(request), pieces.left()


@pytest.mark.parametrize("size_bytes", [1, 2, 3, 7, 1 << 20])
def test_a_declared_body_ends_where_it_was_declared_to(size_bytes):
    pieces = Pieces(b"Hello" + NEXT, size_bytes)

    body = BodyReader(pieces, 1 << 20, lambda _size_bytes: None).read_declared(5)

    assert (body, pieces.left()) == (b"Hello", NEXT)


@pytest.mark.parametrize("size_bytes", [1, 2, 3, 7, 1 << 20])
@pytest.mark.parametrize("trailers", [b"", b"Digest: abc\r\n"])
def test_chunks_are_joined_and_the_next_request_is_left(size_bytes, trailers):
    data = chunks(b"Hel", b"lo, ", b"world", trailers=trailers, extension=b";a=1") + NEXT

    assert read_chunked(data, size_bytes) == (b"Hello, world", NEXT)


def test_a_declared_body_that_ends_early_is_refused():
    with pytest.raises(Refused, match="ended before the body did") as refused:
        BodyReader(Pieces(b"Hel", 2), 1 << 20, lambda _: None).read_declared(5)

    assert refused.value.status == 400


@pytest.mark.parametrize("whole", [chunks(b"Hello, world", trailers=b"Digest: abc\r\n")])
def test_chunks_that_end_early_are_refused_wherever_that_is(whole):
    for end in range(len(whole)):
        with pytest.raises(Refused, match="ended before the body did"):
            read_chunked(whole[:end])


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"\r\n\r\n", InvalidChunkSize),
        (b"5g\r\nHello\r\n0\r\n\r\n", InvalidChunkSize),
        (b"-5\r\nHello\r\n0\r\n\r\n", InvalidChunkSize),
        (b"0x5\r\nHello\r\n0\r\n\r\n", InvalidChunkSize),
        (b"5 \r\nHello\r\n0\r\n\r\n", InvalidChunkSize),
        (b"5\nHello\r\n0\r\n\r\n", InvalidChunkSize),
        (b"1" * 17 + b"\r\n", InvalidChunkSize),
        (b"5;" + b"a" * 300 + b"\r\n", InvalidChunkSize),
        (b"5;\x00\r\nHello\r\n0\r\n\r\n", InvalidChunkExtension),
        (b"5\r\nHelloX\r\n0\r\n\r\n", ChunkMissingTerminator),
        (chunks(trailers=b"A: " + b"x" * (9 << 10) + b"\r\n"), LimitRequestHeaders),
    ],
)
def test_what_is_not_framed_as_chunks_is_refused(data, error):
    with pytest.raises(error):
        read_chunked(data + b"\r\n" * 10)


def test_over_the_limit_nothing_more_is_read():
    data = chunks(b"x" * 60, b"y" * 60)

    with pytest.raises(Refused, match="larger than the limit of 100 bytes") as refused:
        read_chunked(data, limit_bytes=100)

    assert refused.value.status == 413


def test_framing_that_outweighs_what_is_in_it_is_refused():
    body, _ = read_chunked(chunks(*[b"x"] * (FRAMING_BYTES // 6)))
    assert body == b"x" * (FRAMING_BYTES // 6)

    with pytest.raises(Refused, match="outweigh"):
        read_chunked(chunks(*[b"x"] * (FRAMING_BYTES // 4)))


def test_room_is_asked_for_in_steps_ahead_of_what_has_come():
    asked, size_bytes = [], 3 * ROOM_STEP_BYTES
    pieces = Pieces(b"x" * size_bytes, 64 << 10)

    body = BodyReader(pieces, 1 << 30, asked.append).read_declared(size_bytes)

    assert len(body) == size_bytes
    assert UNCOUNTED_BYTES + sum(asked) == size_bytes
    assert max(asked) == ROOM_STEP_BYTES


def test_a_small_body_asks_for_no_room():
    def refuse(_size_bytes):
        pytest.fail("room was asked for")

    assert BodyReader(Pieces(b"Hello", 5), 1 << 20, refuse).read_declared(5) == b"Hello"


def test_without_room_the_body_grows_no_further():
    def refuse(_size_bytes):
        raise MemoryError

    pieces = Pieces(b"x" * (1 << 20), 64 << 10)
    with pytest.raises(MemoryError):
        BodyReader(pieces, 1 << 20, refuse).read_declared(1 << 20)

    assert len(pieces.left()) >= (1 << 20) - (64 << 10)
