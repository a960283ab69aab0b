"""Whether a request is within its rate: by the fleet's store, or else by the instance's counts."""

from pathlib import Path
from time import monotonic

import structlog

from config.rates import Rate
from service.access.rates import Allowance, SharedCounts
from service.access.store import Store, StoreDown
from service.quiet_minute import QuietMinute

# A store that has failed is asked again after so long.
PAUSE_S = 1.0

# What the counts are called in the instance's folder.
COUNTS = "rates"

log = structlog.get_logger()


class Limiter:
    """
    Counts by the *store*, where there is one.

    While it does not answer each instance counts by itself: a fleet of n admits n times the rate at
    most. Refusing everybody for a store's sake would make it the service's most fragile part;
    admitting everybody, its overload.
    """

    def __init__(self, store: Store | None = None) -> None:
        self._counts = SharedCounts()
        self._store = store
        self._ask_at_s = 0.0
        self._minute = QuietMinute()

    def share(self, folder: Path, worker: int, workers: int) -> None:
        """Count together with the other *workers* of the instance whose *folder* it is."""
        try:
            self._counts = SharedCounts(folder / COUNTS, worker=worker, workers=workers)
        except OSError as error:
            log.error("rates_not_shared", reason=error.strerror)  # noqa: TRY400  # it says enough

    def hit(self, who: str, rate: Rate) -> Allowance:
        """Count a request of *who* against *rate*, if it may come."""
        if self._store and monotonic() >= self._ask_at_s:
            if self._ask_at_s:  # it failed: one request tries, and no other waits for it
                self._ask_at_s = monotonic() + PAUSE_S
            try:
                allowance = self._store.hit(who, rate)
            except StoreDown as error:
                self._ask_at_s = monotonic() + PAUSE_S
                if self._minute.is_over():
                    log.error("rate_limit_store_failed", reason=str(error))  # noqa: TRY400
            else:
                self._ask_at_s = 0.0
                return allowance
        return self._counts.hit(who, rate)
