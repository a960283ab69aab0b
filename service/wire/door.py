"""
A listening socket and the connections that came by it.

At its limit the connections that have waited longest for a request make room for whoever sends
one: first those that never did. What cannot be accepted for want of descriptors is told once a
minute, and no newcomer hangs for it.
"""

import errno
import os
from contextlib import suppress
from time import monotonic
from typing import Any

import gevent
import structlog
from gevent.pool import Pool
from gevent.server import StreamServer

from service.quiet_minute import QuietMinute
from service.wire import listener as listening
from service.wire.closing import has_ended
from service.wire.connection import Connection
from service.wire.serving import Service
from service.wire.share import PAUSE_S

# Connections beyond the limit that are accepted all the same: probes are answered on them, and all
# else for which nothing makes room is told to come back, where it would wait in the kernel's queue.
SPARE_CONNECTIONS = 64

# From this share of the limit on, and on spare ones, a newcomer has so long for its first head.
FEW_PLACES, SHORT_HEAD_S = 0.75, 2

# Idle for less, a connection makes no room: a newcomer's head comes with the handshake, and the
# next request on a kept one follows the last.
NEW_S, KEPT_S = 0.1, 1.0

# So many of the longest idle are looked for at once: each look goes through all connections.
CANDIDATES = 64

# Time for handshakes that have begun to complete on a listener that takes no more.
SETTLE_S = 0.1

# So many that their clients have closed again are passed over before anybody else has a turn.
CLOSED_AT_ONCE = 64

# Of the system: what goes away by itself, and what is there again when connections have ended.
GONE = frozenset({errno.ECONNABORTED, errno.EPROTO, errno.EPERM, errno.EAGAIN})
SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
MADE_AT_ONCE = 8
SHORTAGE_PAUSE_S = 0.05

log = structlog.get_logger()


class Door(StreamServer):  # type: ignore[misc]  # gevent's types end here
    """Accepts from *sock* and serves each connection in a greenlet of its own."""

    def __init__(
        self, sock: Any, service: Service, limit: int, *, accepts_at_once: int, shares: bool
    ) -> None:
        """Hold *limit* connections and a few spare ones; who *shares* leaves others theirs."""
        sock.setblocking(1)
        super().__init__(sock, spawn=Pool(limit + min(SPARE_CONNECTIONS, limit)))
        self.max_accept = accepts_at_once
        self.service = service
        self.connections: set[Connection] = set()
        self._limit = limit
        self._share = service.share if shares else None
        self._candidates: list[tuple[Connection, int]] = []
        self._shortages, self._minute = 0, QuietMinute()
        self._reserve = -1
        self._keep_reserve()

    def handle(self, client: Any, address: Any) -> None:
        """Serve a connection; called in its greenlet."""
        peer = self.service.peers.meet(address)
        held = len(self.connections)
        head_limit_s = self.service.settings.head_timeout_s
        if held >= self._limit * FEW_PLACES:
            head_limit_s = min(head_limit_s, SHORT_HEAD_S)
        claim_place = self._claim_place if held >= self._limit else None
        connection = Connection(self.service, client, peer, head_limit_s, claim_place)
        self.connections.add(connection)
        try:
            connection.serve()
        finally:
            self.connections.discard(connection)
            if self._share:
                self._share.lose()

    def do_handle(self, client: Any, address: Any) -> None:
        """Begin to serve a connection that has been accepted."""
        if self._share:
            self._share.take()
        super().do_handle(client, address)

    def relieve(self) -> None:
        """Let some of the idle make room if not even a probe would get in; called each tick."""
        if self.pool.full():
            for _ in range(SPARE_CONNECTIONS):
                self._make_room()

    def _claim_place(self) -> bool:
        """Find a place for a spare connection that has sent a request; whether there is one."""
        return len(self.connections) <= self._limit or self._make_room()

    def _make_room(self) -> bool:
        """End the connection that has been idle longest; whether there was one."""
        for refilled in (False, True):
            if refilled:
                self._candidates = self._longest_idle()
            while self._candidates:
                connection, phases = self._candidates.pop()
                if connection.make_room(phases):
                    self.service.evicted()
                    return True
        return False

    def _longest_idle(self) -> list[tuple[Connection, int]]:
        """Those that may be ended: the last is the first to go."""
        now = monotonic()
        idle = [
            one
            for one in self.connections
            if one.idle_s(now) > (KEPT_S if one.has_asked else NEW_S)
        ]
        idle.sort(key=lambda one: (one.has_asked, -one.idle_s(now)))
        return [(one, one.phases) for one in reversed(idle[:CANDIDATES])]

    def leave(self, *, is_last: bool, is_end: bool) -> None:
        """
        Accept no more.

        At the end of an instance what the kernel has accepted is taken in; the *last* to listen
        lets nobody come after that.
        """
        self.stop_accepting()
        if is_last:
            listening.refuse_new(self.socket)
            gevent.sleep(SETTLE_S)
        while is_end and (accepted := self._accept()) is not None:
            self.do_handle(*accepted)
        self.close()

    def do_read(self) -> Any:
        """Accept a connection; None if there is none, or it is another's, or there is no room."""
        if self._share and self._share.is_anothers():
            self._pause(PAUSE_S)
            return None
        for _ in range(CLOSED_AT_ONCE):
            accepted = self._accept()
            if accepted is None or not has_ended(accepted[0]):
                return accepted
            accepted[0].close()
        return None

    def _accept(self) -> Any:
        try:
            return super().do_read()
        except OSError as error:
            if error.errno in SHORTAGES:
                self._do_without(error)
            elif error.errno not in GONE:
                raise
        return None

    def _do_without(self, error: OSError) -> None:
        """Let idle connections make room; where there are none, end the newcomer."""
        self._tell(error)
        made = sum(self._make_room() for _ in range(MADE_AT_ONCE))
        if not made:
            self._turn_away()
        self._pause(SHORTAGE_PAUSE_S)

    def _pause(self, seconds: float) -> None:
        """Leave the listener to others for a moment."""
        self.stop_accepting()
        self._timer = self.loop.timer(seconds)
        self._timer.start(self._start_accepting_if_started)

    def _turn_away(self) -> None:
        """Accept with the descriptor that is kept for this, and end at once who came."""
        if self._reserve >= 0:
            os.close(self._reserve)
            self._reserve = -1
        with suppress(OSError):  # somebody else may have been quicker to take the descriptor
            client, _ = super().do_read() or (None, None)
            if client is not None:
                client.close()
        self._keep_reserve()

    def _keep_reserve(self) -> None:
        with suppress(OSError):
            self._reserve = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def _tell(self, error: OSError) -> None:
        self._shortages += 1
        if self._minute.is_over():
            log.error("accept_failed", reason=error.strerror, times=self._shortages)
            self._shortages = 0
