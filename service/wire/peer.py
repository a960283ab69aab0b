"""Who is at the other end of a connection, for whom, and what counts of what it tells."""

from collections.abc import Callable
from typing import Any, NamedTuple

import structlog

from config.settings import Settings
from service.forwarded import HEEDED, Heed
from service.quiet_minute import QuietMinute
from service.trust import trust_in
from service.wire.proxy_header import Header, Unreadable, parse
from service.wire.reader import SocketReader

# How a socket that takes IPv4 and IPv6 shows an IPv4 peer (RFC 4291 section 2.5.5.2).
IPV4_MAPPED = "::ffff:"

log = structlog.get_logger()


class Peer(NamedTuple):
    """An address, empty at a Unix socket, and what reads a request's fields if they count."""

    address: str
    port: int
    heed: Heed | None


class Unintroduced(ConnectionError):
    """A connection without the PROXY header that it should begin with."""


class Peers:
    """Tells of peers what counts, by the *settings*; *timed_out* is told of headers that drip."""

    def __init__(self, settings: Settings, timed_out: Callable[[str], None]) -> None:
        proxies = settings.trusted_proxies
        self._trusts = trust_in(proxies)
        # Everyone who connects may be a proxy, and not everyone for whom one does.
        self._trusts_told = trust_in(tuple(proxy for proxy in proxies if proxy != "*"))
        self._trusts_unix = bool(proxies)
        self._heed = HEEDED[settings.forwarded]
        self._timed_out = timed_out
        self._refused, self._minute = 0, QuietMinute()

    def meet(self, address: Any) -> Peer:
        """
        Whoever connects from *address*, as accept(2) tells it.

        Who may open a Unix socket's file is trusted: its owner and group let in proxies alone.
        """
        if not isinstance(address, tuple):
            return Peer("", 0, self._heed if self._trusts_unix else None)
        host = address[0].removeprefix(IPV4_MAPPED)
        return Peer(host, address[1], self._heed if self._trusts(host) else None)

    def introduced(self, peer: Peer, reader: SocketReader, limit_s: float) -> Peer:
        """
        Whoever *peer*, a trusted proxy, connects for, by the header that comes within *limit_s*.

        Its fields count if its own address is trusted: a proxy that sends the header passes them
        on as they are. Where the header tells no address, they do not. Raises Unintroduced, and
        nobody is answered: until the header is read, nobody knows to whom.
        """
        if not peer.heed:
            raise self._refuse(peer, "untrusted")
        try:
            client = _read(reader, limit_s).client
        except Unreadable as error:
            raise self._refuse(peer, str(error)) from None
        except TimeoutError:
            self._timed_out("head")
            raise self._refuse(peer, "timeout") from None
        if client is None:
            return peer._replace(heed=None)
        return Peer(*client, self._heed if self._trusts_told(client[0]) else None)

    def _refuse(self, peer: Peer, reason: str) -> Unintroduced:
        """Tell once a minute that connections were refused, and why the last was."""
        self._refused += 1
        if self._minute.is_over():
            told = {"peer": peer.address, "reason": reason, "times": self._refused}
            log.warning("proxy_header_refused", **told)
            self._refused = 0
        return Unintroduced(reason)


def _read(reader: SocketReader, limit_s: float) -> Header:
    """Read a header, and nothing of what follows. Raises Unreadable, OSError and TimeoutError."""
    reader.allow(limit_s)
    received = b""
    while (header := parse(received)) is None:
        more = reader.read()
        if not more:
            raise Unreadable("cut_short")
        received += more
    reader.unread(received[header.size_bytes :])
    return header
