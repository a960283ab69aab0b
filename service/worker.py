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
from traceback import format_stack
from types import FrameType
from typing import Any

import structlog
from gunicorn.workers.ggevent import GeventWorker

from config.roster import Roster
from config.supervision import wake
from service.hub_monitor import watch_hub
from service.inference.allocator import keep_heap_small
from service.shared_imports import import_shared
from service.succession import Succession
from service.watch import Watch
from service.wire import listener as listening
from service.wire.doors import Doors
from service.wire.peer import Peers
from service.wire.reader import FrozenConfig, base_environ
from service.wire.response import Clock
from service.wire.serving import Served, Service
from service.wire.share import Share

# Before a worker that could not boot is replaced.
BOOT_AGAIN_S = 1.0

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

    @staticmethod
    def import_shared() -> None:
        """Import what all workers need; called by the master before it forks the first."""
        import_shared()

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
            sleep(BOOT_AGAIN_S)
            sys.exit(1)

    def init_signals(self) -> None:
        """Leave Ctrl-C, which reaches every process of a terminal, to the master."""
        super().init_signals()
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def handle_quit(self, sig: int, frame: object) -> None:  # noqa: ARG002  # as Gunicorn calls it
        """Leave at once: Gunicorn's ends the interpreter under whatever runs, in a traceback."""
        self.alive = False
        self.quits_at = min(self.quits_at, monotonic() + QUIT_S)

    def handle_usr1(self, sig: int, frame: object) -> None:  # noqa: ARG002  # as Gunicorn calls it
        """Log at debug, or no more."""
        self.log.turn_debug()

    def handle_abort(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002  # as above
        """
        Tell where the hub stands, and which requests stood with it; then end.

        The master sends this when the heart has stopped, and a second later what cannot be heard.
        """
        log.critical("worker_aborted", stack="".join(format_stack(frame)).splitlines())
        if recorder := getattr(getattr(self, "wsgi", None), "recorder", None):
            recorder.abort("worker_aborted")
        self._flush()
        os._exit(1)

    @staticmethod
    def _flush() -> None:
        from service import logs  # noqa: PLC0415  # as below

        logs.writer().flush()

    def end(self) -> None:
        """
        End here what has left native threads at work; called when all else is done.

        The interpreter's own end takes their library from under them, and they abort.
        """
        if self.has_left_work:
            self._flush()
            os._exit(0)

    def notify(self) -> None:
        """Beat. A worker whose master is dead leaves, and Gunicorn's would exit where it stands."""
        self.tmp.notify()
        self.alive = self.alive and self.ppid == os.getppid()

    def run(self) -> None:
        """Serve until told to leave, then leave without losing a request."""
        self._doors = Doors()
        watch_hub()
        load_timeout_s = self.wsgi.settings.load_timeout_s
        slot = getattr(self, "slot", 0)
        roster = getattr(self, "roster", None) or Roster.of_one()
        self._share, self._succession = (
            Share(roster, slot),
            Succession(roster, slot, load_timeout_s),
        )
        self.wsgi.attend(roster, slot, self.sockets)
        self._service = self._make_service()
        self._watch = Watch(self.wsgi, self._doors, self._share, self.notify, self.cfg.workers)
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
        from service.instruments import EVICTED, TIMEOUTS  # noqa: PLC0415

        def timed_out(phase: str) -> None:
            TIMEOUTS.labels(phase).inc()

        return Service(
            app=self.wsgi,
            admission=self.wsgi.admission,
            settings=self.wsgi.settings,
            cfg=FrozenConfig(self.cfg),
            environ=base_environ(self.sockets[0].getsockname()),
            clock=Clock(),
            peers=Peers(self.wsgi.settings, timed_out),
            timed_out=timed_out,
            share=self._share,
            answered=self._count_answer,
            evicted=EVICTED.inc,
        )

    def _count_answer(self) -> None:
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.alive = False
            self._succession.retire()
            wake(self.ppid)  # it starts the successor, until which this one serves

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
