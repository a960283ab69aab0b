"""A worker's loop beside serving: it beats, measures the hub and keeps the deadlines."""

import threading
from collections.abc import Callable
from time import monotonic

import gevent

from config import machine
from service.exemplars import path_of
from service.inference.allocator import trim_heap
from service.wire.doors import Doors
from service.wire.serving import Served
from service.wire.share import Share

TICK_S = 0.1
BEAT_S = 1.0
TRIM_S = 10.0

# A hub that is so late has been suspended: that time is none of its clients'.
STOOD_STILL_S = 5.0


class Watch:
    """The worker's loop over what came by *doors*; *notify* beats for the master."""

    def __init__(
        self, app: Served, doors: Doors, share: Share, notify: Callable[[], None], workers: int
    ) -> None:
        # Imported late: the master reads this file before the workers' gevent patches.
        from service.instruments import (  # noqa: PLC0415
            CONNECTIONS,
            DURATION_EXEMPLARS,
            GREENLETS,
            HUB_LAG,
            REQUEST_MEMORY,
        )

        slot = str(share.worker)
        self._app, self._doors, self._share = app, doors, share
        self._notify, self._workers = notify, workers
        self._observe_lag = HUB_LAG.observe
        self._tell_connections = CONNECTIONS.labels(slot).set
        self._tell_greenlets = GREENLETS.labels(slot).set
        self._tell_held = REQUEST_MEMORY.labels(slot, "held").set
        self._tell_limit = REQUEST_MEMORY.labels(slot, "limit").set
        self._exemplars, self._exemplars_path = DURATION_EXEMPLARS, path_of(share.worker)
        self._beat_due_s = self._trim_due_s = 0.0

    def __call__(
        self, goes_on: Callable[[], bool], at_tick: Callable[[], None] = lambda: None
    ) -> None:
        """Turn while *goes_on* says so."""
        while goes_on():
            slept_at_s = monotonic()
            gevent.sleep(TICK_S)
            now_s = monotonic()
            at_tick()
            self._doors.relieve()
            self._share.beat(is_serving=not self._app.is_loading)
            self._tell()
            self._app.sample_gauges()
            late_s = max(0.0, now_s - slept_at_s - TICK_S)
            self._observe_lag(late_s)
            if late_s > STOOD_STILL_S:
                for connection in self._doors.connections():
                    connection.deadline += late_s
            if now_s >= self._beat_due_s:
                self._beat(now_s)

    def _tell(self) -> None:
        """Set the gauges that are the worker's own."""
        held = self._doors.held()
        self._tell_connections(held)
        self._tell_greenlets(held + threading.active_count())
        self._tell_held(self._app.account.held_bytes)
        self._tell_limit(self._app.account.limit_bytes)

    def _beat(self, now_s: float) -> None:
        self._beat_due_s = now_s + BEAT_S
        if self._exemplars_path:
            self._exemplars.save(self._exemplars_path)
        self._notify()
        self._fit_account()
        if now_s >= self._trim_due_s:
            self._trim_due_s = now_s + TRIM_S
            trim_heap()
        for connection in self._doors.connections():
            if connection.deadline < now_s:
                connection.expire()

    def _fit_account(self) -> None:
        """Give requests what memory is left, whenever none of it is theirs."""
        account = self._app.account
        if not account.held_bytes:
            account.limit_bytes = machine.request_memory_bytes(self._workers)
