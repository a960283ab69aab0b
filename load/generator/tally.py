"""The generator's book-keeping: cheap while the window lasts, summed up after it."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from hdrh.histogram import HdrHistogram

from load.campaign import Client

HIGHEST_US = 600_000_000
DIGITS = 3

# From here on it is the generator's own delay that is measured: of its core, in its busiest second;
# and of what an answer takes or may take, as the 99th percentile of how late requests left.
CPU_SHARE_LIMIT = 0.7
LAG_SHARE_LIMIT = 0.05


@dataclass
class Tally:
    """The requests of a window. Times are in s of one monotonic clock."""

    slo_ms: float
    dropped: int = 0
    in_flight: int = 0  # of all requests, also those before the window
    in_flight_samples: list[int] = field(default_factory=list)
    cpu_shares: list[float] = field(default_factory=list)
    _sent: int = 0
    _answered: int = 0
    _good: int = 0
    _errors: Counter[str] = field(default_factory=Counter)
    _workers: Counter[str] = field(default_factory=Counter)
    _pending: dict[object, tuple[float, float]] = field(default_factory=dict)
    _lags_s: list[float] = field(default_factory=list)
    _responses_s: list[float] = field(default_factory=list)
    _services_s: list[float] = field(default_factory=list)

    def begin(self, connection: object, due_s: float, sent_s: float) -> None:
        """A request that was due at *due_s* leaves at *sent_s* on *connection*."""
        self._sent += 1
        self._lags_s.append(sent_s - due_s)
        self._pending[connection] = due_s, sent_s

    def end(self, connection: object, now_s: float, outcome: int | str, worker: str) -> None:
        """It ended with a status, or with an error of that name."""
        due_s, sent_s = self._pending.pop(connection)
        is_answer = isinstance(outcome, int)
        self._answered += is_answer
        if worker:
            self._workers[worker] += 1
        if not (isinstance(outcome, int) and 200 <= outcome < 300):
            self._errors[str(outcome)] += 1
        elif (now_s - due_s) * 1000 <= self.slo_ms:
            self._good += 1
        if is_answer:
            self._responses_s.append(now_s - due_s)
            self._services_s.append(now_s - sent_s)

    def client(self, now_s: float) -> Client:
        """The window's figures; what is pending now has taken at least until now."""
        waited = list(self._pending.values())
        responses_s = self._responses_s + [now_s - due_s for due_s, _ in waited]
        services_s = self._services_s + [now_s - sent_s for _, sent_s in waited]
        return Client(
            sent=self._sent,
            answered=self._answered,
            good=self._good,
            dropped=self.dropped,
            censored=len(waited),
            errors=dict(self._errors),
            answered_by_worker=dict(self._workers),
            response_hdr=_encoded(responses_s),
            service_hdr=_encoded(services_s),
            mean_service_ms=1000 * _mean(services_s),
            mean_in_flight=_mean(self.in_flight_samples),
            lag_p99_ms=1000 * float(np.percentile(self._lags_s or [0.0], 99)),
            cpu_share_max=max(self.cpu_shares, default=0.0),
        )


def _mean(values: list[float] | list[int]) -> float:
    return float(np.mean(values)) if values else 0.0


def _encoded(seconds: list[float]) -> str:
    histogram = HdrHistogram(1, HIGHEST_US, DIGITS)
    for us, count in Counter(max(1, round(value * 1e6)) for value in seconds).items():
        histogram.record_value(min(us, HIGHEST_US), count)
    encoded: bytes = histogram.encode()
    return encoded.decode()
