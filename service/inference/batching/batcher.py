"""
Batches without waiting: whatever queued while the last call ran is the next call.

A lane is a loop that takes jobs and runs them, one batch at a time. Every caller gets exactly the
rows it asked for, and a batch that raises is halved until the job at fault is alone.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from time import monotonic
from typing import Literal, TypeAlias

from service.errors import (
    ClientGone,
    ModelDied,
    ModelUnavailable,
    QuarantinedPayload,
    ServiceError,
    TooLarge,
)
from service.inference.batching.endings import Restarts, failed, too_late
from service.inference.batching.queue import Job, Prediction, Queue, batch_of
from service.inference.execution import Execution, Interrupted
from service.inference.tensors import Tensors, join, layout, row_count, split
from service.inference.trip import Trip
from service.origin import ABOUT

FOREVER = float("inf")

# A lane without work looks so often whether its model is still there.
LOOK_S = 1.0

Stage: TypeAlias = Literal["loading", "batch", "idle"]


class Batcher:
    """The queue of one model, and the lanes that work it off."""

    def __init__(
        self,
        execution: Execution,
        *,
        batch_rows: int,
        queue_rows: int,
        call_limit_s: float,
        ran: Callable[[int, float], None] = lambda _rows, _infer_s: None,
        died: Callable[[Stage, str], None] = lambda _stage, _how: None,
    ) -> None:
        """
        Start the lanes.

        A batch has up to *batch_rows* rows, or is one job that has more. *queue_rows* bounds the
        rows that wait or are under way. A call that takes longer than *call_limit_s* counts as
        overrunning. *ran* is told each batch's rows and the seconds that the model took, *died*
        at what stage the model's process ended, and how; what they raise is theirs.
        """
        self._execution = execution
        self._call_limit_s = call_limit_s
        self._ran = ran
        self._died = died
        self._queue = Queue(
            batch_rows=batch_rows,
            queue_rows=queue_rows,
            lanes=execution.lanes,
            delay_s=execution.delay_s,
        )
        self._due_s = [FOREVER] * execution.lanes
        self._restarts = Restarts()
        for lane in range(execution.lanes):
            threading.Thread(target=self._serve, args=(lane,), daemon=True).start()

    @property
    def queued_rows(self) -> int:
        """Rows that wait, are prepared or are under way."""
        return self._queue.rows

    def ask(
        self, inputs: Tensors, *, deadline_s: float, gone: Callable[[], bool], trip: Trip
    ) -> Prediction:
        """
        Wait for the answer to *inputs*, until *deadline_s* (by `time.monotonic`) at most.

        What it takes is noted in *trip*, also of what fails.
        Raises at once Overloaded or ModelUnavailable; later DeadlineExceeded, ClientGone if *gone*
        said so when the turn came, ModelFailed, ModelDied or QuarantinedPayload.
        """
        self._refuse_if_stalled()
        trip.asked_s = monotonic()
        job = Job(inputs, row_count(inputs), layout(inputs), deadline_s, gone, trip)
        self._queue.put(job)
        try:
            return job.answer.result(max(0.0, deadline_s - monotonic()))
        except TimeoutError:
            raise too_late() from None
        finally:
            trip.restart_s = self._restarts.overlap_s(trip.asked_s, trip.began_s)
            if not job.taken:
                self._queue.withdraw(job)

    def preparing(self, rows: int, deadline_s: float) -> AbstractContextManager[None]:
        """Keep the places of *rows* that are still being prepared; raises at once as `ask` does."""
        self._refuse_if_stalled()
        return self._queue.preparing(rows, deadline_s)

    def close(self) -> None:
        """End the lanes when they have done what waits."""
        self._queue.close()

    @property
    def is_stalled(self) -> bool:
        """Whether every lane is in a call that overruns."""
        now = monotonic()
        return all(due_s < now for due_s in self._due_s)

    def _refuse_if_stalled(self) -> None:
        if self.is_stalled:
            raise ModelUnavailable("every call to the model overruns; none is left to answer")

    def _serve(self, lane: int) -> None:
        while (jobs := self._queue.take(LOOK_S)) != []:
            try:
                if jobs:
                    self._run(lane, jobs)
                elif self._execution.is_lost():
                    self._tell_end("idle", self._execution.how_it_ended())
                    self._recover()
            except Exception as error:  # noqa: BLE001  # a lane that ended would be missed
                for job in jobs or []:
                    if not job.answer.done():
                        self._fail(job, failed(error))
            ABOUT.set(())

    def _run(self, lane: int, jobs: list[Job]) -> bool:
        """Answer or fail all *jobs*, suspects alone, the others together; whether all survived."""
        quarantine = self._execution.quarantine
        if quarantine is None or quarantine.is_empty:
            return self._attempt(lane, jobs)
        trusted, survived = [], True
        for job in jobs:
            verdict = quarantine.judge(job.inputs)
            if verdict == "guilty":
                self._fail(job, QuarantinedPayload("these inputs have ended the model twice"))
                survived = False
            elif verdict == "innocent":
                trusted.append(job)
            elif self._attempt(lane, [job]):
                quarantine.acquit(job.inputs)
            else:
                survived = False
        return (not trusted or self._attempt(lane, trusted)) and survived

    def _attempt(self, lane: int, jobs: list[Job]) -> bool:
        """Run what is still wanted as one batch, in halves if it raises; whether it survived."""
        jobs = [job for job in jobs if self._is_wanted(job)]
        if not jobs:
            return False
        survived = False
        try:
            ran = self._execute(lane, jobs)
        except Interrupted:
            for job in jobs:
                job.trip.leave()
            self._recover()
            survived = self._run(lane, jobs)  # another worker may have found a culprit meanwhile
        except ModelDied as error:
            self._fail_dead(jobs, error)
        except TooLarge as error:
            survived = self._halve(lane, jobs, error)
        except ServiceError as error:
            self._fail_all(jobs, error)
        except Exception as error:  # noqa: BLE001  # a model may raise anything
            survived = self._halve(lane, jobs, error)
        else:
            self._answer(jobs, ran)
            survived = True
        return survived

    def _halve(self, lane: int, jobs: list[Job], error: Exception) -> bool:
        """Find whose fault it was that *jobs* raised; whether the model survived that."""
        if len(jobs) == 1:
            self._fail(jobs[0], error if isinstance(error, TooLarge) else failed(error))
            return True
        half = len(jobs) // 2
        return all([self._attempt(lane, jobs[:half]), self._attempt(lane, jobs[half:])])

    def _execute(self, lane: int, jobs: list[Job]) -> Prediction:
        """Call the model. Raises ValueError unless every output has as many rows as were sent."""
        batch = batch_of(jobs)
        self._due_s[lane] = batch.began_s + self._call_limit_s
        try:
            ran = self._execution.execute(
                join([job.inputs for job in jobs]), max(job.deadline_s for job in jobs)
            )
        finally:
            self._due_s[lane] = FOREVER
        batch.ended_s, batch.infer_s = monotonic(), ran.infer_s
        batch.process, batch.done_s = ran.process, ran.done_s
        answered = row_count(ran.outputs)
        if answered != batch.rows:
            raise ValueError(f"the model answered {answered} rows to {batch.rows}")
        self._queue.learn(batch.ended_s - batch.began_s)
        with suppress(Exception):
            self._ran(batch.rows, ran.infer_s)
        return Prediction(ran.outputs, batch)

    def _answer(self, jobs: list[Job], ran: Prediction) -> None:
        counts = [job.rows for job in jobs]
        for job, outputs in zip(jobs, split(ran.outputs, counts), strict=True):
            self._queue.release(job)
            job.answer.set_result(Prediction(outputs, ran.batch))

    def _fail_dead(self, jobs: list[Job], error: ModelDied) -> None:
        """Fail *jobs*, which the model did not survive, and wait until it lives again."""
        if self._execution.quarantine:
            self._execution.quarantine.accuse([job.inputs for job in jobs])
        self._fail_all(jobs, error)
        self._execution.how_it_ended()  # told here, and by no idle lane as well
        self._tell_end("batch", str(error))
        self._recover()

    def _recover(self) -> None:
        with self._restarts.under_way():
            how = self._execution.recover(lambda how: self._tell_end("loading", how))
        self._tell_end("idle", how)  # an end that nobody's batch can be blamed for

    def _tell_end(self, stage: Stage, how: str) -> None:
        if how:
            with suppress(Exception):
                self._died(stage, how)

    def _is_wanted(self, job: Job) -> bool:
        """Whether anybody still waits for *job*; it is failed if not."""
        if job.deadline_s <= monotonic():
            self._fail(job, too_late())
        elif job.gone():
            self._fail(job, ClientGone("the client left before its turn came"))
        else:
            return True
        return False

    def _fail_all(self, jobs: list[Job], error: ServiceError) -> None:
        for job in jobs:
            self._fail(job, error)

    def _fail(self, job: Job, error: ServiceError) -> None:
        self._queue.release(job)
        job.answer.set_exception(error)
