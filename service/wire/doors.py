"""All doors of a worker: one for each socket that it listens on."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from config import machine
from service.wire.admission import ProbesOnly
from service.wire.connection import Connection
from service.wire.door import Door
from service.wire.reader import base_environ
from service.wire.serving import Service

# By the admin port; a few probes, scrapers and people.
ADMIN_CONNECTIONS = 64

# What a worker accepts in one turn of its hub. Where others accept from the same socket it leaves
# them theirs.
ALONE, AMONG_OTHERS = 100, 1


class Doors:
    """None is there until they are opened."""

    def __init__(self) -> None:
        self._doors: list[Door] = []

    def open(self, sockets: list[Any], service: Service, workers: int) -> None:
        """Listen on every socket; by the admin port only probes come in, without a limit."""
        settings = service.settings
        limit = machine.fitting_connections(settings.connection_limit)
        for sock in sockets:
            address = sock.getsockname()
            own = replace(
                service,
                environ=base_environ(address),
                wants_proxy_header=settings.proxy_protocol,
            )
            is_admin = isinstance(address, tuple) and address[1] == settings.admin_port
            if is_admin:
                only = ProbesOnly(ADMIN_CONNECTIONS)
                own = replace(own, admission=only, wants_proxy_header=False)
            places = ADMIN_CONNECTIONS if is_admin else limit
            at_once = AMONG_OTHERS if workers > 1 else ALONE
            shares = workers > 1 and not is_admin
            self._doors.append(Door(sock, own, places, accepts_at_once=at_once, shares=shares))
        for door in self._doors:
            door.start()

    def connections(self) -> Iterator[Connection]:
        """The connections that came by any of them."""
        for door in self._doors:
            yield from list(door.connections)

    def relieve(self) -> None:
        """Let some of the idle make room where not even a probe would get in."""
        for door in self._doors:
            door.relieve()

    def drain(self, *, is_end: bool) -> None:
        """From now on each answer ends its connection; *is_end* tells that the instance ends."""
        for door in self._doors:
            door.service.admission.draining, door.service.admission.ending = True, is_end

    def leave(self, is_last: Callable[[Any], bool], *, is_end: bool) -> None:
        """Accept no more; *is_last* tells of a socket whether nobody will after this worker."""
        for door in self._doors:
            door.leave(is_last=is_last(door.socket), is_end=is_end)

    def held(self) -> int:
        """How many connections there are, with those just accepted, which have not run yet."""
        return sum(len(door.pool) for door in self._doors)

    def kill(self, timeout_s: float) -> None:
        """End every connection where it stands."""
        for door in self._doors:
            door.pool.kill(timeout=timeout_s)
