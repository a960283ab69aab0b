"""A request's head: as far as it can be read, its fields in any spelling, PEP 3333's environ."""

import socket
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import ParseException
from gunicorn.http.message import Request as HttpRequest
from hypothesis import given
from hypothesis import strategies as st

from service.forwarded import client_ip, heed_x_forwarded
from service.wire.head import TrustingRequest, environ_of, environ_so_far
from service.wire.peer import Peer
from service.wire.reader import FrozenConfig, SocketReader

PEER = Peer("198.51.100.7", 5555, None)
PROXY = PEER._replace(heed=heed_x_forwarded)


def request(*headers, **changed):
    parts = {
        "method": "GET", "query": "a=1", "version": (1, 1), "path": "/a%20b",
        "uri": "/a%20b?a=1",
    }  # fmt: skip
    return SimpleNamespace(headers=headers, **parts | changed)


def test_the_environ_is_pep_3333_s():
    environ = environ_of(request(("HOST", "localhost"), ("CONTENT-TYPE", "text/plain")), PEER)

    assert environ == {
        "REQUEST_METHOD": "GET",
        "QUERY_STRING": "a=1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "PATH_INFO": "/a b",
        "wsgi.url_scheme": "http",
        "REMOTE_ADDR": "198.51.100.7",
        "REMOTE_PORT": "5555",
        "HTTP_HOST": "localhost",
        "CONTENT_TYPE": "text/plain",
    }


def test_fields_of_one_name_are_joined():
    environ = environ_of(request(("ACCEPT", "a"), ("X-B", "1"), ("ACCEPT", "b")), PEER)

    assert (environ["HTTP_ACCEPT"], environ["HTTP_X_B"]) == ("a,b", "1")


def test_the_host_of_an_absolute_target_overrides_the_field_s():
    asked = request(("HOST", "localhost"), uri="http://example.com:81/a")

    assert environ_of(asked, PEER)["HTTP_HOST"] == "example.com:81"


@pytest.fixture
def read():
    """Read a head from a socket; the request, as far as it was read, and what it failed with."""
    config = FrozenConfig(Config())
    ours, theirs = socket.socketpair()

    def read(head):
        theirs.sendall(head)
        theirs.shutdown(socket.SHUT_WR)
        made = TrustingRequest()
        reader = SocketReader(ours)
        reader.allow_head(5)
        try:
            made.read(config, reader, PEER)
        except ParseException as error:
            return made, error
        return made, None

    yield read
    ours.close()
    theirs.close()


@pytest.mark.parametrize(
    ("fields", "closes"),
    [
        (b"", False),
        (b"Connection: close\r\n", True),
        (b"Connection: CLOSE\r\n", True),
        (b"Connection: close, TE\r\nTE: trailers\r\n", True),
        (b"Connection: TE ,\tclose\r\n", True),
        (b"Connection: TE\r\nConnection: close\r\n", True),
        (b"Connection: keep-alive, Upgrade\r\n", False),
        (b"Connection: closed\r\n", False),
    ],
)
def test_connection_is_a_list(read, fields, closes):
    asked, _ = read(b"GET / HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n")

    assert asked.should_close() is closes


@pytest.mark.parametrize(
    ("fields", "closes"), [(b"", True), (b"Connection: TE, Keep-Alive\r\n", False)]
)
def test_http_1_0_ends_a_connection_unless_it_is_to_be_kept(read, fields, closes):
    asked, _ = read(b"GET / HTTP/1.0\r\n" + fields + b"\r\n")

    assert asked.should_close() is closes


@pytest.mark.parametrize(
    ("head", "method", "path"),
    [
        (b"POST /models/x?y=1 HTTP/1.1\r\nBad Field: 1\r\n\r\n", "POST", "/models/x"),
        (b"GET /" + b"a" * 9000 + b"?q=secret HTTP/1.1\r\n\r\n", "GET", "/" + "a" * 1019),
        (b"GET /x HTTP/3.0\r\n\r\n", "GET", "/x"),
        (b"GET /x?secret=1\nHost: a\r\n\r\n", "GET", "/x"),
        (b"nonsense\r\n\r\n", "", ""),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "", ""),
    ],
)
def test_what_cannot_be_read_to_its_end_is_known_as_far_as_it_was(read, head, method, path):
    asked, error = read(head)
    environ = environ_so_far(asked, PEER, 0.0)

    assert error is not None
    assert (environ["REQUEST_METHOD"], environ["PATH_INFO"]) == (method, path)
    assert environ["REMOTE_ADDR"] == PEER.address


def test_hints_that_contradict_each_other_are_no_fault(read):
    asked, error = read(
        b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\n"
        b"X-Forwarded-Protocol: https\r\nX-Forwarded-Ssl: off\r\n\r\n",
    )

    assert error is None
    assert environ_of(asked, PROXY)["wsgi.url_scheme"] == "https"


def test_nobody_else_tells_the_scheme(read):
    asked, _ = read(b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\n\r\n")

    assert environ_of(asked, PEER)["wsgi.url_scheme"] == "http"


def test_a_proxy_s_word_counts_in_a_head_that_cannot_be_read_to_its_end(read):
    asked, _ = read(b"GET / HTTP/1.1\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n")

    assert client_ip(environ_so_far(asked, PROXY, 0.0)) == "192.0.2.1"
    assert client_ip(environ_so_far(asked, PEER, 0.0)) == PEER.address


def test_a_name_before_a_target_s_host_is_no_part_of_it(read):
    asked, _ = read(b"GET http://user:pass@example.com/a HTTP/1.1\r\nHost: x\r\n\r\n")

    assert environ_of(asked, PEER)["HTTP_HOST"] == "example.com"


LINES = st.one_of(
    st.sampled_from([
        b"Host: a", b"host: b", b"Content-Type: text/plain", b"X_Forwarded_For: 1",
        b"Expect: 100-continue", b"Expect: 200-maybe", b" folded", b"\tfolded", b": no name",
        b"no colon", b"X-A:", b"X-A: 1", b"X-A:  two words \t", b"X-\xdf: 1", b"X A: 1",
        b"X-A : 1", b"X-B: \x00", b"X-C: a\x7fb", b"X-D: \xff", b"X-Long: " + b"a" * 300,
    ]),
    st.binary(max_size=20).filter(lambda line: b"\r" not in line and b"\n" not in line),
)  # fmt: skip


@given(st.lists(LINES, min_size=1, max_size=8))
def test_fields_are_read_as_gunicorn_reads_them_also_when_they_are_known(lines):
    config = FrozenConfig(Config())

    def outcome(parse):
        made = object.__new__(TrustingRequest)
        made.__dict__.update(
            cfg=config, limit_request_fields=100, limit_request_field_size=8190, version=(1, 1),
            scheme="http", _expected_100_continue=False, _policy_expect_continue=True,
        )  # fmt: skip
        try:
            return parse(made, b"\r\n".join(lines)), made._expected_100_continue
        except ParseException as error:
            return type(error), str(error)

    theirs = outcome(HttpRequest.parse_headers)

    assert outcome(TrustingRequest.parse_headers) == theirs
    assert outcome(TrustingRequest.parse_headers) == theirs
