"""How a job ends that is not answered, and when the model was away."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from service.errors import DeadlineExceeded, ModelFailed


class Restarts:
    """The last time that a model's process was started anew, by `time.monotonic`."""

    def __init__(self) -> None:
        self._began_s = self._ended_s = 0.0

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """It is being started as long as the block runs."""
        self._began_s, self._ended_s = monotonic(), float("inf")
        try:
            yield
        finally:
            self._ended_s = monotonic()

    def overlap_s(self, asked_s: float, began_s: float) -> float:
        """How much of a wait from *asked_s* to *began_s*, 0 for until now, fell into it."""
        if self._ended_s <= asked_s:
            return 0.0
        until_s = min(began_s or monotonic(), self._ended_s)
        return max(0.0, until_s - max(asked_s, self._began_s))


def failed(error: Exception) -> ModelFailed:
    """Say that the model failed on one request, because of *error*."""
    failure = ModelFailed("the model failed on this request")
    failure.__cause__ = error
    return failure


def too_late() -> DeadlineExceeded:
    """Say that nobody waits any more."""
    return DeadlineExceeded("the model did not answer within the time that this request had")
