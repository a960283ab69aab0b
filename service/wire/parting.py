"""How a connection ends: whether its client has left, and an end that lets it read the answer."""

from socket import MSG_DONTWAIT, MSG_PEEK
from time import monotonic
from typing import Any

from gevent.socket import SHUT_WR

# A refused client may still be sending; closing on unread bytes would reset the connection and
# eat the answer (RFC 9112 section 9.6). So we half-close and read on, within these bounds.
LINGER_S = 2.0
LINGER_BYTES = 64 << 20
RECEIVE_BYTES = 64 << 10


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


def has_left(client: Any) -> bool:
    """Whether the other end of the gevent socket has left; its stream is looked at, not read."""
    try:
        # The socket within gevent's, which would wait.
        return not client._sock.recv(1, MSG_PEEK | MSG_DONTWAIT)  # noqa: SLF001
    except BlockingIOError:
        return False
    except OSError:
        return True
