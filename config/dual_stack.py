"""`[::]` takes IPv4 as well, whatever net.ipv6.bindv6only says (RFC 3493 section 5.3)."""

import socket
from typing import Any

from gunicorn import sock


class DualStackSocket(sock.TCP6Socket):  # type: ignore[misc]  # Gunicorn has no types
    """Gunicorn's listening socket of IPv6, which leaves this to the system's default."""

    def bind(self, listener: Any) -> None:
        """Bind it for both families."""
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().bind(listener)


def listen_on_both() -> None:
    """Let Gunicorn make such sockets; called before it makes the first."""
    sock.TCP6Socket = DualStackSocket
