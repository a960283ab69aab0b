"""How a connection ends: whether its client has left, and an end that lets it read the answer."""

import select
import socket
from socket import IPPROTO_TCP, MSG_DONTWAIT, MSG_PEEK
from time import monotonic
from typing import Any

from gevent import monkey
from gevent.socket import SHUT_WR

from service.wire.turn import give_turn

# A refused client may still be sending; closing on unread bytes would reset the connection and
# eat the answer (RFC 9112 section 9.6). So we half-close and read on, within these bounds.
LINGER_S = 2.0
LINGER_BYTES = 64 << 20
RECEIVE_BYTES = 64 << 10

# Linux's alone. The states are those of include/net/tcp_states.h; Python does not name them.
TCP_INFO: int | None = getattr(socket, "TCP_INFO", None)
TCP_CLOSE = 7


def linger(client: Any) -> None:
    """Half-close the gevent socket *client* and read on for a while. Raises OSError."""
    client.shutdown(SHUT_WR)
    client.settimeout(LINGER_S)
    end, left = monotonic() + LINGER_S, LINGER_BYTES
    while left > 0 and monotonic() < end:
        received = len(client.recv(RECEIVE_BYTES))
        if not received:
            return
        left -= received
        give_turn()


def receive_now(client: Any, size_bytes: int) -> bytes:
    """What has arrived on the gevent socket by now; nothing at its end, too. Raises OSError."""
    try:
        received: bytes = client._sock.recv(size_bytes, MSG_DONTWAIT)  # noqa: SLF001  # it would wait
    except BlockingIOError:
        return b""
    return received


def has_ended(client: Any) -> bool:
    """Whether the other end of a gevent socket has sent nothing, and never will."""
    try:
        return not client._sock.recv(1, MSG_DONTWAIT | MSG_PEEK)  # noqa: SLF001  # it would wait
    except BlockingIOError:
        return False
    except OSError:
        return True  # reset


def has_left(client: Any) -> bool:
    """
    Whether the other end of the gevent socket has reset the connection.

    The end of its stream alone says nothing: a client may end its side after its request and wait
    for the answer (RFC 9293 section 3.6), and one that has closed looks the same until it is sent
    something. A Unix socket tells the one from the other.
    """
    if client.family == socket.AF_UNIX:
        return _has_hung_up(client)
    if TCP_INFO is None:
        return _is_reset(client)
    try:
        state: int = client.getsockopt(IPPROTO_TCP, TCP_INFO, 1)[0]
    except OSError:  # closed on this side
        return False
    return state == TCP_CLOSE


def _has_hung_up(client: Any) -> bool:
    """Whether a Unix socket's other end has closed both its sides (poll(2))."""
    if client.fileno() < 0:  # closed on this side
        return False
    look = monkey.get_original("select", "poll")()
    look.register(client.fileno(), 0)
    return any(events & select.POLLHUP for _, events in look.poll(0))


def _is_reset(client: Any) -> bool:
    """Whether reading fails, which tells of a reset once, to whoever asks first."""
    try:
        client._sock.recv(1, MSG_DONTWAIT | MSG_PEEK)  # noqa: SLF001  # it would wait
    except BlockingIOError:
        return False
    except OSError:
        return True
    return False
