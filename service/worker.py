"""
The Gunicorn worker: gevent's, with a deadline for each phase and a lossless drain.

What it overrides, and why:

- `init_process`: a worker that hangs while it boots ends, and one that cannot boot any more does
  not take the master with it, as Gunicorn's exit codes 3 and 4 would.
- `run`: connections come in by `wire.door`, and are served with a deadline for each phase;
  the heartbeat also keeps those deadlines and measures the hub; the end is a drain.
"""

import os
import signal
import sys
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import gevent
import structlog
from gunicorn.workers.ggevent import GeventWorker

from config import machine
from config.supervision import wake
from service.hub_monitor import watch_hub
from service.inference.allocator import keep_heap_small
from service.succession import Succession
from service.trust import trust_in
from service.wire import listener as listening
from service.wire.doors import Doors
from service.wire.reader import FrozenConfig, base_environ
from service.wire.response import Clock
from service.wire.serving import Served, Service

if TYPE_CHECKING:
    from collections.abc import Callable

TICK_S = 0.1
BEAT_S = 1.0

# A hub that is so late has been suspended: that time is none of its clients'.
STOOD_STILL_S = 5.0

# A connection without a request, kept or new, gets this long for the next one, and with its
# answer the word that the connection ends: its client may be about to send.
LINGER_S = 1.0

# A native thread that computes in Python lets the hub in after so long: the default of 5 ms doubled
# the time that a probe takes beside large bodies.
SWITCH_S = 0.001

# What is under way when a worker is told to leave at once (SIGQUIT, Ctrl-C) gets so long.
QUIT_S = 0.5

# The master kills what is left at graceful_timeout, by a clock that began before ours.
FORCE_BEFORE_S = 2.0

log = structlog.get_logger()


class Worker(GeventWorker):  # type: ignore[misc]  # Gunicorn has no types
    """Serves connections on one gevent hub."""

    alive: bool
    wsgi: Served

    # When it must be gone that was told to leave at once, and whether it left work under way.
    quits_at = float("inf")
    has_left_work = False

    def patch(self) -> None:
        """Patch as Gunicorn does, but for what native threads need."""
        super().patch()
        # Imported late: it imports gevent, and the master reads this file.
        from service.native_threads import keep_native  # noqa: PLC0415

        keep_native()

    def init_process(self) -> None:
        """Boot within the heartbeat's limit, or end."""
        keep_heap_small()
        sys.setswitchinterval(SWITCH_S)
        # Before its first heartbeat Gunicorn never kills a worker, however long it hangs.
        signal.alarm(self.cfg.timeout)
        try:
            super().init_process()
        except Exception:
            if self.booted or self.age <= self.cfg.workers:
                raise
            # The first generation booted, so the configuration is sound: try again, for ever.
            self.log.exception("Worker failed to boot; another will try")
            sleep(BEAT_S)
            sys.exit(1)

    def init_signals(self) -> None:
        """Leave Ctrl-C, which reaches every process of a terminal, to the master."""
        super().init_signals()
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def handle_quit(self, sig: int, frame: object) -> None:  # noqa: ARG002  # as Gunicorn calls it
        """Leave at once: Gunicorn's ends the interpreter under whatever runs, in a traceback."""
        self.alive = False
        self.quits_at = min(self.quits_at, monotonic() + QUIT_S)

    def end(self) -> None:
        """
        End here what has left native threads at work; called when all else is done.

        The interpreter's own end takes their library from under them, and they abort.
        """
        if self.has_left_work:
            from service import logs  # noqa: PLC0415  # as below

            logs.writer().flush()
            os._exit(0)

    def notify(self) -> None:
        """Beat. A worker whose master is dead leaves, and Gunicorn's would exit where it stands."""
        self.tmp.notify()
        self.alive = self.alive and self.ppid == os.getppid()

    def run(self) -> None:
        """Serve until told to leave, then leave without losing a request."""
        self._doors = Doors()
        self._service = self._make_service()
        watch_hub()
        load_timeout_s = self.wsgi.settings.load_timeout_s
        self._succession = Succession(
            getattr(self, "roster", None), getattr(self, "slot", 0), load_timeout_s
        )
        signal.alarm(0)
        self._await_models()
        if self._stays() or not self._succession.others_listen():
            self._doors.open(self.sockets, self._service, self.cfg.workers)
            self._succession.listen()
        self._watch(self._stays)
        self._succession.retire()
        self._watch(
            lambda: (
                not self._succession.may_leave()
                and not self._is_abandoned()
                and monotonic() < self.quits_at
            )
        )
        self._drain()

    def _stays(self) -> bool:
        return self.alive and not self._succession.is_told()

    def _await_models(self) -> None:
        """Leave connections to the others, or for a moment in the kernel's queue, until ready."""
        self._watch(lambda: self._stays() and self.wsgi.is_loading and self._succession.may_wait())

    def _is_abandoned(self) -> bool:
        """Whether the master has closed the sockets: this is the end, and nobody comes after."""
        return all(listening.is_abandoned(sock, self.ppid) for sock in self.sockets)

    def _make_service(self) -> Service:
        # Imported late: the master reads this file before the workers' gevent patches.
        from service.metrics import EVICTED, TIMEOUTS  # noqa: PLC0415

        return Service(
            app=self.wsgi,
            admission=self.wsgi.admission,
            settings=self.wsgi.settings,
            cfg=FrozenConfig(self.cfg),
            environ=base_environ(self.sockets[0].getsockname()),
            clock=Clock(),
            trusts=trust_in(self.wsgi.settings.trusted_proxies),
            timed_out=lambda phase: TIMEOUTS.labels(phase).inc(),
            answered=self._count_answer,
            evicted=EVICTED.inc,
        )

    def _count_answer(self) -> None:
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.alive = False
            self._succession.retire()
            wake(self.ppid)  # it starts the successor, until which this one serves

    def _watch(
        self, goes_on: "Callable[[], bool]", at_tick: "Callable[[], None]" = lambda: None
    ) -> None:
        """Beat for the master, measure the hub, keep the deadlines, while *goes_on* says so."""
        from service.metrics import HUB_LAG  # noqa: PLC0415  # as above

        beat_due = 0.0
        while goes_on():
            slept_at = monotonic()
            gevent.sleep(TICK_S)
            now = monotonic()
            at_tick()
            self._doors.relieve()
            late_s = max(0.0, now - slept_at - TICK_S)
            HUB_LAG.observe(late_s)
            if late_s > STOOD_STILL_S:
                for connection in self._doors.connections():
                    connection.deadline += late_s
            if now >= beat_due:
                beat_due = now + BEAT_S
                self.notify()
                self._fit_account()
                for connection in self._doors.connections():
                    if connection.deadline < now:
                        connection.expire()

    def _fit_account(self) -> None:
        """Give requests what memory is left, whenever none of it is theirs."""
        account = self.wsgi.account
        if not account.held_bytes:
            account.limit_bytes = machine.request_memory_bytes(self.cfg.workers)

    def _drain(self) -> None:
        """Finish what has begun: close what is idle, then the rest."""
        self.alive = False
        is_end = self._succession.is_end() or self._is_abandoned()
        admission = self._service.admission
        admission.draining, admission.ending = True, is_end
        self._doors.drain(is_end=is_end)
        log.info("worker_draining", connections=self._doors.held())
        force_at = monotonic() + self.cfg.graceful_timeout - FORCE_BEFORE_S
        if is_end:  # nobody comes after: serve on for a moment
            linger_until = monotonic() + LINGER_S
            self._watch(lambda: monotonic() < min(linger_until, self.quits_at))
        self._succession.listen(does=False)
        self._doors.leave(self._is_last_to_listen, is_end=is_end)
        self._watch(
            lambda: self._doors.held() > 0 and monotonic() < min(force_at, self.quits_at),
            self._close_idle,
        )
        if held := self._doors.held():
            log.warning("worker_forced", connections=held)
            self._doors.kill(FORCE_BEFORE_S / 2)
        self.has_left_work = held > 0 or self.wsgi.is_loading

    def _close_idle(self) -> None:
        for connection in self._doors.connections():
            connection.close_if_idle(LINGER_S)

    def _is_last_to_listen(self, sock: Any) -> bool:
        """Whether nobody accepts from *sock* after this master's workers."""
        made_here: bool = getattr(self, "made_sockets", False)
        return (
            made_here
            and listening.is_abandoned(sock, self.ppid)
            and not listening.is_held_elsewhere(sock, self.ppid)
        )
