"""
Whatever stands in a field, a query, a form or a picture's Exif: no 5xx, no hang, one line each.

3,000 cases, or PROPERTY_CASES of them, each a connection of its own to a real instance.
"""

import os
import socket
import struct
from io import BytesIO
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.conftest import eventually
from tests.live.instance import Instance

CASES = int(os.environ.get("PROPERTY_CASES", "3000"))
SHARES = {"fields": 0.5, "exif": 0.2, "queries": 0.15, "forms": 0.15}

# Every field that the service or its parser looks at.
FIELDS = """
Host Content-Length Content-Type Content-Encoding Transfer-Encoding Connection Expect Accept TE
Authorization X-Request-ID X-Request-Deadline-Ms User-Agent X-Forwarded-For X-Forwarded-Proto
X-Forwarded-Protocol X-Forwarded-Ssl Accept-Encoding If-None-Match Keep-Alive Trailer Upgrade
Forwarded Cookie Date Range
""".split()  # noqa: SIM905  # a table of words

# What such a field may hold, to be put together, repeated and cut.
WORDS = """
chunked gzip deflate br identity close keep-alive TE , ; = " q=0.5 0 5 -1 1_0 \xb2 1e3 999999999999
application/json text/html image/jpeg multipart/form-data boundary charset utf-8 latin-1 text/plain
*/* version=1.0.0 version="1.0.0" application/openmetrics-text Bearer bearer localhost weir_web:8000
[::1] $(id) a@b https http 127.0.0.1 203.0.113.7:80 unknown 100-continue 500
""".split()  # noqa: SIM905  # a table of words
PIECES = [b" ", b"\t", *(word.encode("latin-1") for word in WORDS)]
PATHS = """
/ /models /models/iris /models/iris/predict /models/cat-or-dog/predict /models/iris/example
/metrics /readyz /healthz /version /nowhere /docs /openapi.json /static/weir.css
""".split()  # noqa: SIM905  # a table of words
BODIES = (b"", b'{"msg": "Hello"}', b"msg=Hello", b"5\r\nHello\r\n0\r\n\r\n")
FEATURES = (b"sepal_length", b"sepal_width", b"petal_length", b"petal_width", b"rows", b"msg", b"")

values = st.one_of(
    st.binary(max_size=60),
    st.lists(st.sampled_from(PIECES), max_size=6).map(b"".join),
    st.lists(st.sampled_from(PIECES) | st.binary(max_size=4), max_size=6).map(b"".join),
)
fields = st.lists(st.tuples(st.sampled_from(FIELDS), values), min_size=1, max_size=3)
texts = st.binary(max_size=20) | st.sampled_from([b"1_4", "٥".encode(), b"1e999", b"NaN", b"5.1"])
pairs = st.lists(st.tuples(st.sampled_from(FEATURES) | texts, texts), max_size=6)


def entry(tag, kind, count, value):
    """An entry of an Exif directory (Exif 2.32, 4.6.2)."""
    return struct.pack("<HHI4s", tag, kind, count, value)


entries = st.lists(
    st.builds(
        entry,
        st.sampled_from([0x0112, 0x8769, 0x8825, 0xA005, 0x0100]) | st.integers(0, 0xFFFF),
        st.integers(0, 14),
        st.integers(0, 4) | st.integers(0, (1 << 32) - 1),
        st.binary(min_size=4, max_size=4) | st.sampled_from([b"\x06\0\0\0", b"\x08\0\0\0"]),
    ),
    max_size=5,
)
directories = st.builds(
    lambda many, tail: (
        b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(many)) + b"".join(many) + tail
    ),
    entries,
    st.binary(max_size=40),
)
exifs = (
    directories
    | st.binary(max_size=80).map(lambda tail: b"Exif\0\0" + tail)
    | st.binary(max_size=80)
)


@pytest.fixture(scope="module")
def instance(tmp_path_factory):
    """One that believes every peer to be a proxy, and logs probes as well."""
    folder = tmp_path_factory.mktemp("properties")
    with Instance(
        folder, FORWARDED_ALLOW_IPS="*", WEIR_LOG_LEVEL="debug", WEIR_BODY_TIMEOUT_S="5"
    ) as made:
        yield made


@pytest.fixture
def ask(instance):
    """Send bytes and return the status of the answer; every request has its line in the end."""
    before, asked = len(instance.lines(event="http_request")), 0

    def ask(request):
        nonlocal asked
        asked += 1
        with socket.create_connection(("127.0.0.1", instance.port), timeout=15) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            received = b""
            while (piece := connection.recv(1 << 16)) and b"\r\n\r\n" not in received:
                received += piece
        return int(received.split(b" ", 2)[1])

    yield ask
    eventually(lambda: len(instance.lines(event="http_request")) == before + asked, within_s=60)
    assert not instance.lines(event="request_failed")
    assert not instance.lines(event="connection_failed")


def cases(share):
    return settings(
        max_examples=max(1, int(CASES * SHARES[share])),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


def one_line(value):
    """Without line ends, which would make another field, or another request, of it."""
    return value.replace(b"\n", b"").replace(b"\r", b"")


@cases("fields")
@given(
    method=st.sampled_from(["GET", "POST", "HEAD", "PUT"]),
    path=st.sampled_from(PATHS),
    sent=fields,
    body=st.sampled_from(BODIES),
)
def test_any_bytes_in_any_field(ask, method, path, sent, body):
    named = {name for name, _ in sent}
    head = [f"{method} {path} HTTP/1.1".encode()]
    head += [b"Host: localhost"] if "Host" not in named else []
    head += [f"{name}: ".encode() + one_line(value) for name, value in sent]
    if "Content-Length" in named:
        body = b""  # what it leaves over would be another request, with a line of its own
    if body and "Transfer-Encoding" not in named:
        head += [f"Content-Length: {len(body)}".encode()]

    status = ask(b"\r\n".join([*head, b"", body]))

    # A transfer coding that is not known is answered with 501 (RFC 9112 section 6.1).
    assert status < 500 or (status == 501 and "Transfer-Encoding" in named)


@cases("exif")
@given(exif=exifs, kind=st.sampled_from(["JPEG", "PNG", "WEBP"]))
def test_any_exif(ask, exif, kind):
    file = BytesIO()
    Image.new("RGB", (16, 12)).save(file, kind, exif=exif)

    status = ask(posted("/models/cat-or-dog/predict", f"image/{kind.lower()}", file.getvalue()))

    assert status in {200, 400, 415}


@cases("queries")
@given(path=st.sampled_from(["/", "/models/iris/predict"]), sent=pairs, raw=st.binary(max_size=30))
def test_any_query(ask, path, sent, raw):
    told = "&".join(f"{quote_from_bytes(name)}={quote_from_bytes(text)}" for name, text in sent)
    query = told.encode() + bytes(byte for byte in raw if 0x21 <= byte <= 0x7E)

    status = ask(b"GET %s?%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % (path.encode(), query))

    assert status in {200, 400, 413, 422}


@cases("forms")
@given(
    path=st.sampled_from(["/", "/models/iris/predict", "/models/cat-or-dog/predict"]),
    sent=pairs,
    raw=st.binary(max_size=60),
    is_multipart=st.booleans(),
)
def test_any_form(ask, path, sent, raw, is_multipart):
    if is_multipart:
        part = b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        body = b"".join(part % pair for pair in sent) + raw + b"--x--\r\n"
        kind = "multipart/form-data; boundary=x"
    else:
        body = b"&".join(b"%s=%s" % pair for pair in sent) + raw
        kind = "application/x-www-form-urlencoded"

    assert ask(posted(path, kind, body)) in {200, 400, 413, 415, 422}


def posted(path, kind, body):
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
