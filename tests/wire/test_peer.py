"""Whose word counts: a proxy's that is trusted, for whom it connects and what it then tells."""

import socket
from types import SimpleNamespace

import pytest

from service.forwarded import HEEDED
from service.wire.peer import Peers, Unintroduced
from service.wire.reader import SocketReader

PROXY = ("10.0.0.1", 5555)


def peers(*proxies, forwarded="x-forwarded", timed_out=None):
    settings = SimpleNamespace(trusted_proxies=proxies, forwarded=forwarded)
    return Peers(settings, timed_out)


@pytest.mark.parametrize(
    ("proxies", "address", "host", "counts"),
    [
        (("10.0.0.0/8",), PROXY, "10.0.0.1", True),
        (("10.0.0.0/8",), ("::ffff:10.0.0.1", 5555, 0, 0), "10.0.0.1", True),
        (("10.0.0.0/8",), ("203.0.113.9", 5555), "203.0.113.9", False),
        (("*",), ("203.0.113.9", 5555), "203.0.113.9", True),
        ((), PROXY, "10.0.0.1", False),
        (("127.0.0.1",), "", "", True),
        (("127.0.0.1",), b"", "", True),
        ((), "", "", False),
    ],
)
def test_a_trusted_peer_s_fields_count(proxies, address, host, counts):
    peer = peers(*proxies).meet(address)

    assert peer.address == host
    assert (peer.heed is not None) is counts


@pytest.mark.parametrize("forwarded", HEEDED)
def test_they_are_the_fields_that_the_operator_names(forwarded):
    assert peers("*", forwarded=forwarded).meet(PROXY).heed is HEEDED[forwarded]


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


def introduced(pair, proxies, sent, address=PROXY, **options):
    ours, theirs = pair
    theirs.sendall(sent)
    made = peers(*proxies, **options)
    reader = SocketReader(ours)
    return made.introduced(made.meet(address), reader, 0.1), reader


@pytest.mark.parametrize(
    ("proxies", "client", "counts"),
    [
        (("10.0.0.1",), "198.51.100.7", False),
        (("10.0.0.1", "198.51.100.0/24"), "198.51.100.7", True),
        (("*",), "198.51.100.7", False),
        (("*", "198.51.100.7"), "198.51.100.7", True),
    ],
)
def test_the_fields_of_whom_a_proxy_connects_for_count_if_it_is_trusted_by_its_address(
    pair, proxies, client, counts
):
    header = f"PROXY TCP4 {client} 10.0.0.1 4711 80\r\n".encode()
    peer, reader = introduced(pair, proxies, header + b"GET ")

    assert (peer.address, peer.port) == (client, 4711)
    assert (peer.heed is not None) is counts
    assert reader.read() == b"GET "


def test_where_no_address_is_told_the_peer_s_own_stays_and_no_field_counts(pair):
    peer, _ = introduced(pair, ("10.0.0.1",), b"PROXY UNKNOWN\r\n")

    assert peer == (*PROXY, None)


@pytest.mark.parametrize(
    ("sent", "reason", "address"),
    [
        (b"PROXY UNKNOWN\r\n", "untrusted", ("203.0.113.9", 5555)),
        (b"GET / HTTP/1.1\r\n", "missing", PROXY),
        (b"PROXY TCP4 x\r\n", "malformed", PROXY),
        (b"PROXY UNKNOWN " + b"x" * 200, "too_long", PROXY),
    ],
)
def test_who_is_not_introduced_is_refused_for_a_reason(pair, sent, reason, address):
    with pytest.raises(Unintroduced, match=reason):
        introduced(pair, ("10.0.0.1",), sent, address)


def test_a_header_that_is_not_whole_in_time_counts_as_a_slow_head(pair):
    phases = []
    with pytest.raises(Unintroduced, match="timeout"):
        introduced(pair, ("10.0.0.1",), b"PROXY TC", timed_out=phases.append)

    assert phases == ["head"]
