"""Faults of what observes requests: counted, told now and then, and nobody else's."""

from collections.abc import Callable
from contextlib import suppress

from service.quiet_minute import QuietMinute
from service.raised import log_raised


class ObserverFaults:
    """Counts the faults of observers, and tells one of them a minute."""

    def __init__(self, count: Callable[[str], None]) -> None:
        self._count = count
        self._minute = QuietMinute()

    def guard(self, observe: Callable[[], None], observer: str) -> None:
        """Call *observe*, whose faults are its *observer*'s alone."""
        try:
            observe()
        except Exception as error:  # noqa: BLE001  # an observer may fail in any way
            self(observer, error)

    def __call__(self, observer: str, error: Exception) -> None:
        """Note that *observer* raised *error*."""
        with suppress(Exception):
            self._count(observer)
        if self._minute.is_over():
            log_raised("observer_failed", error, observer=observer)
