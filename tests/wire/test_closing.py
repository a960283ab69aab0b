"""Whether a client has left: by a reset, or at a Unix socket by closing it."""

import socket
import struct

import pytest

from service.wire.closing import has_left
from tests.conftest import eventually

RESET = struct.pack("ii", 1, 0)


def at_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        theirs = socket.create_connection(server.getsockname())
        return server.accept()[0], theirs


@pytest.mark.parametrize("pair", [at_port, socket.socketpair])
def test_the_end_of_what_a_client_sends_is_not_its_leaving(pair):
    ours, theirs = pair()
    with ours, theirs:
        assert not has_left(ours)
        theirs.sendall(b"GET / HTTP/1.1")
        theirs.shutdown(socket.SHUT_WR)
        assert not has_left(ours)


@pytest.mark.parametrize("pair", [at_port, socket.socketpair])
def test_a_client_that_is_no_more_has_left(pair):
    ours, theirs = pair()
    with ours:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        theirs.close()
        assert eventually(lambda: has_left(ours))


@pytest.mark.parametrize("pair", [at_port, socket.socketpair])
def test_nothing_is_told_of_a_connection_that_was_closed_here(pair):
    ours, theirs = pair()
    with theirs:
        ours.close()
        assert not has_left(ours)
