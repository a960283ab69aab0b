"""The jobs that wait for a model: bounded, in order, and refused at once if it is hopeless."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from time import monotonic
from typing import cast

from service.errors import Overloaded
from service.inference.tensors import Layout, Tensors
from service.inference.trip import Batch, Trip
from service.origin import ABOUT

# Weight of the newest batch in the mean duration: an outlier is forgotten after about ten.
NEWEST = 0.2


@dataclass(frozen=True, slots=True)
class Prediction:
    """One caller's rows, and the call that they were part of."""

    outputs: Tensors
    batch: Batch


class Reply:
    """
    What one waits for and another sets once: a prediction, or what failed it.

    A lock and no condition: `concurrent.futures.Future` cost a tenth of a small prediction.
    """

    __slots__ = ("_failed", "_open", "_prediction")

    def __init__(self) -> None:
        self._open = threading.Lock()
        self._open.acquire()
        self._prediction: Prediction | None = None
        self._failed: Exception | None = None

    def done(self) -> bool:
        """Whether it has been set."""
        return self._prediction is not None or self._failed is not None

    def set_result(self, prediction: Prediction) -> None:
        """Let whoever waits have the prediction."""
        self._prediction = prediction
        self._open.release()

    def set_exception(self, error: Exception) -> None:
        """Raise *error* where the prediction is waited for."""
        self._failed = error
        self._open.release()

    def result(self, timeout_s: float) -> Prediction:
        """Wait for it. Raises TimeoutError, or what failed it."""
        if not self._open.acquire(timeout=timeout_s):
            raise TimeoutError
        self._open.release()
        if self._failed is not None:
            raise self._failed
        return cast("Prediction", self._prediction)


@dataclass(eq=False, slots=True)
class Job:
    """
    One caller's rows on their way through the model.

    *deadline_s* is by `time.monotonic`; *gone* tells whether the caller's client has left; what
    the job takes is noted in *trip*.
    """

    inputs: Tensors
    rows: int
    layout: Layout
    deadline_s: float
    gone: Callable[[], bool]
    trip: Trip
    taken: bool = False
    answer: Reply = field(default_factory=Reply)


def batch_of(jobs: list[Job]) -> Batch:
    """Begin the batch of *jobs*; lines of the log are about their requests from now on."""
    origins = tuple(job.trip.origin for job in jobs if job.trip.origin)
    batch = Batch(origins, len(jobs), sum(job.rows for job in jobs), monotonic())
    for job in jobs:
        job.trip.join(batch)
    ABOUT.set(origins)
    return batch


class Queue:
    """Bounded in rows, of which it counts those that wait and those that are under way."""

    def __init__(
        self,
        *,
        batch_rows: int,
        queue_rows: int,
        lanes: int,
        delay_s: Callable[[], float],
    ) -> None:
        """*delay_s* estimates the seconds until any batch can begin."""
        self._batch_rows = batch_rows
        self._queue_rows = queue_rows
        self._lanes = lanes
        self._delay_s = delay_s
        self._changed = threading.Condition(threading.Lock())
        self._waiting: deque[Job] = deque()
        self._held_rows = self._prepared_rows = 0
        self._batch_s = 0.0
        self._closed = False

    @property
    def rows(self) -> int:
        """Those that wait, are prepared or are under way."""
        return self._held_rows + self._prepared_rows

    def put(self, job: Job) -> None:
        """Let *job* wait. Raises Overloaded if there is no room, or not enough time."""
        with self._changed:
            self._admit(job.rows, job.deadline_s, self._held_rows)
            self._held_rows += job.rows
            self._waiting.append(job)
            self._changed.notify()

    @contextmanager
    def preparing(self, rows: int, deadline_s: float) -> Iterator[None]:
        """Keep the places of *rows* that are still being prepared. Raises as `put` does."""
        with self._changed:
            self._admit(rows, deadline_s, self._held_rows + self._prepared_rows)
            self._prepared_rows += rows
        try:
            yield
        finally:
            with self._changed:
                self._prepared_rows -= rows

    def take(self, timeout_s: float | None = None) -> list[Job] | None:
        """
        Wait for the oldest job and take what fits into a batch with it; none at the end.

        None if nothing came within *timeout_s*.
        """
        with self._changed:
            while not self._waiting:
                if self._closed:
                    return []
                if not self._changed.wait(timeout_s):
                    return None
            first = self._waiting.popleft()
            taken, passed, room = [first], [], self._batch_rows - first.rows
            while self._waiting and room > 0:
                job = self._waiting.popleft()
                if job.layout == first.layout and job.rows <= room:
                    taken.append(job)
                    room -= job.rows
                else:
                    passed.append(job)
            self._waiting.extendleft(reversed(passed))
            for job in taken:
                job.taken = True
            return taken

    def withdraw(self, job: Job) -> None:
        """Take back a job that still waits; one that has been taken stays accounted for."""
        with self._changed:
            if job.taken:
                return
            job.taken = True
            self._waiting.remove(job)
            self._held_rows -= job.rows

    def release(self, job: Job) -> None:
        """Give back the room of a job that has been taken and has ended."""
        with self._changed:
            self._held_rows -= job.rows

    def learn(self, batch_s: float) -> None:
        """Note how long a batch took."""
        self._batch_s += (batch_s - self._batch_s) * (NEWEST if self._batch_s else 1)

    def close(self) -> None:
        """Let `take` return nothing once nothing waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _admit(self, rows: int, deadline_s: float, ahead_rows: int) -> None:
        wait_s = self._delay_s()
        if ahead_rows:  # an idle model takes anything, or it would never learn that it is quick
            batches = ceil((ahead_rows + rows) / self._batch_rows)
            wait_s += ceil(batches / self._lanes) * self._batch_s
            if ahead_rows + rows > self._queue_rows:
                raise Overloaded(f"{ahead_rows} rows wait for the model already", wait_s)
        if wait_s and monotonic() + wait_s > deadline_s:
            raise Overloaded(
                f"{ahead_rows} rows are ahead of this request, and it has less time than the "
                f"{wait_s:.3g} s which they are likely to take",
                wait_s,
            )
