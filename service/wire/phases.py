"""
The phase that a connection is in, until when, and how it is ended from outside.

idle → head → body → handling → write, and back to idle; closing at the end. Nothing is thrown into
a phase that has ended meanwhile: each has a number.
"""

from collections.abc import Callable
from time import monotonic
from typing import Any

import gevent

from service.wire.reader import FOREVER


class HandlingTimeout(BaseException):
    """Thrown into a request that has been handled for too long; no `except Exception` stops it."""


class IdleTimeout(BaseException):
    """Thrown into a connection that waits for its next request, and is to end."""


class Phased:
    """A connection, as those see it that may end it. Made in the connection's greenlet."""

    def __init__(self, timed_out: Callable[[str], None]) -> None:
        """*timed_out* is told the phase that has outlasted its deadline."""
        self._timed_out = timed_out
        self._greenlet = gevent.getcurrent()
        self.has_asked = False
        self.phases = 0
        self._enter("idle")

    def expire(self) -> None:
        """End a phase that has outlasted its deadline."""
        self._end_phase(IdleTimeout if self._phase == "idle" else HandlingTimeout, counted=True)

    def allow(self, limit_s: float) -> None:
        """Let what is being handled take so long from now on."""
        self._enter("handling", limit_s)

    def close_if_idle(self, idle_for_s: float = 0) -> None:
        """End a connection that has been idle for so long, without a byte to its client."""
        if self._phase == "idle" and self._since_s + idle_for_s <= monotonic():
            self._end_phase(IdleTimeout, counted=False)

    def idle_s(self, now: float) -> float:
        """For how long nobody has waited for anything here: 0 once something has begun."""
        return now - self._since_s if self._is_idle() else 0

    def _is_idle(self) -> bool:
        """Idle also is who has yet to send a whole head for the first time."""
        return self._phase in {"idle", "closing"} or (self._phase == "head" and not self.has_asked)

    def make_room(self, phases: int) -> bool:
        """End it without a byte if it is still in the phase in which it was idle."""
        if self.phases != phases or not self._is_idle():
            return False
        kind = IdleTimeout if self._phase == "idle" else gevent.GreenletExit
        self._end_phase(kind, counted=False)
        return True

    def _enter(self, phase: str, seconds: float = FOREVER) -> None:
        self._phase = phase
        self.phases += 1
        self._since_s = monotonic()
        self.deadline = self._since_s + seconds

    def _end_phase(self, kind: type[BaseException], *, counted: bool) -> None:
        self.deadline = FOREVER
        gevent.get_hub().loop.run_callback(self._interrupt, self.phases, kind, counted)

    def _interrupt(self, phases: int, kind: type[BaseException], counted: Any) -> None:
        """
        End the connection's *phases*-th phase, if that has not ended meanwhile.

        Called in the hub: nothing can happen to the connection between the look and the throw.
        """
        if self.phases == phases:
            if counted:
                self._timed_out(self._phase)
            self._greenlet.throw(kind)
