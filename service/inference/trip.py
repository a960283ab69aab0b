"""One request's way through a model: who shared its batch, and what took how long."""

from dataclasses import dataclass
from time import monotonic

from service.origin import Origin


@dataclass(eq=False, slots=True)
class Batch:
    """
    A call of a model, for one request or several.

    *began_s* and *ended_s* are by `time.monotonic`; of *infer_s* the model itself had the use.
    *process* is the process that the model ran in, 0 for the worker's own; *done_s* is when a
    native thread of this one had the answer, 0 where that is not known.
    """

    origins: tuple[Origin, ...]
    requests: int
    rows: int
    began_s: float
    ended_s: float = 0.0
    infer_s: float = 0.0
    process: int = 0
    done_s: float = 0.0
    span: object = None  # its span's context, once that has been exported


@dataclass(eq=False, slots=True)
class Trip:
    """
    Filled in on the way, so that one that fails tells as much as was known.

    The model was asked at *asked_s*, by `time.monotonic`, and began at *began_s*, if it did; of the
    wait between, its process was being started anew for *restart_s*.
    """

    origin: Origin | None = None
    asked_s: float = 0.0
    began_s: float = 0.0
    restart_s: float = 0.0
    decode_s: float = 0.0
    batch: Batch | None = None

    def join(self, batch: Batch) -> None:
        """Be part of *batch*; of several, which a batch that raises is cut into, of the last."""
        self.began_s = self.began_s or batch.began_s
        self.batch = batch

    def leave(self) -> None:
        """Be part of none any more: it has not begun after all."""
        self.began_s, self.batch = 0.0, None

    def infer_s(self) -> float:
        """What the model took; all the time since the batch began, where it has not answered."""
        batch = self.batch
        if batch is None:
            return 0.0
        return batch.infer_s if batch.ended_s else monotonic() - batch.began_s

    def hub_s(self) -> float:
        """For how long the answer, once it was there, has waited for the event loop."""
        return monotonic() - self.batch.done_s if self.batch and self.batch.done_s else 0.0

    def batch_s(self) -> float:
        """What else has passed since the first batch began."""
        return monotonic() - self.began_s - self.infer_s() if self.batch else 0.0
