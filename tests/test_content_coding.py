"""Compressed bodies: what comes out is what went in, within the limit, or a refusal."""

import gzip
import zlib

import pytest
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from service.content_coding import codings_of, expand, expanders

TEXT = b'{"msg": "' + b"Hello " * 30_000 + b'"}'


def bare_deflate(data):
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def expanded(coding, body, limit_bytes=10 << 20, grow=lambda _: None):
    return expand(body, coding, expanders()[coding], limit_bytes, grow)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("x-gzip", gzip.compress(TEXT)),
        ("gzip", gzip.compress(TEXT[:1000]) + gzip.compress(TEXT[1000:])),
        ("gzip", gzip.compress(TEXT) + b"\0" * 512),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", bare_deflate(TEXT)),
    ],
)
def test_what_was_compressed_comes_out_as_it_was(coding, body):
    assert expanded(coding, body) == TEXT


def test_other_codings_are_read_where_something_reads_them():
    brotli = pytest.importorskip("brotli", reason="brotli comes with what measures: make load")

    assert expanded("br", brotli.compress(TEXT)) == TEXT
    with pytest.raises(BadRequest):
        expanded("br", brotli.compress(TEXT)[:-5])


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize(
    "body",
    [b"{}", b"\x1f\x8b", gzip.compress(TEXT)[:-9], zlib.compress(TEXT)[:-9], b"\x78\x9c" * 9],
)
def test_what_is_not_of_the_coding_or_not_whole_is_refused(coding, body):
    with pytest.raises(BadRequest, match=f"the body is not {coding}"):
        expanded(coding, body)


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_the_limit_counts_what_comes_out_and_little_more_is_made(coding, pack):
    held = []
    bomb = pack(bytes(200 << 20))

    with pytest.raises(RequestEntityTooLarge, match="limit of 1048576 bytes once it is expanded"):
        expanded(coding, bomb, 1 << 20, held.append)

    assert len(bomb) < 1 << 20
    assert sum(held) <= 1 << 20


def test_no_more_is_kept_than_there_is_room_for():
    def grow(_size_bytes):
        raise MemoryError

    with pytest.raises(MemoryError):
        expanded("gzip", gzip.compress(TEXT), grow=grow)


@pytest.mark.parametrize(
    ("field", "codings"),
    [
        ("gzip", ["gzip"]),
        ("GZip", ["gzip"]),
        (" identity ,\tgzip ,", ["gzip"]),
        ("identity", []),
        ("", []),
        ("deflate, gzip", ["deflate", "gzip"]),
    ],
)
def test_content_encoding_is_a_list_of_names_in_any_case(field, codings):
    assert codings_of(field) == codings
