"""What asking a model is, by whichever route: its deadline, its stages and what is told of it."""

from collections.abc import Callable
from typing import Any

from service import metrics
from service.api import deadline
from service.inference.batching.queue import Prediction
from service.inference.model import Model
from service.inference.payload import Payload
from service.request import request
from service.stages import Stages, milliseconds
from service.wire.phases import HandlingTimeout

# An answer that waits longer for the event loop than this says so.
BUSY_S = 0.001


class Asking:
    """One request's prediction by *model*, with what its record tells of it."""

    def __init__(self, model: Model) -> None:
        """Raises ModelLoading or ModelUnavailable."""
        version = model.manifest.version
        self.model = model
        self.record: dict[str, Any] = {
            "model": model.name,
            "version": version,
            "rows": 1,
            "outcome": "refused",
        }
        request.exchange.prediction = self.record

    def answer(self, make: Callable[[], bytes]) -> bytes:
        """Return what *make* does, which asks the model; the outcome is told."""
        self.model.users += 1
        try:
            answer = make()
        except (Exception, HandlingTimeout) as error:
            self.record["outcome"] = metrics.outcome_of(error)
            raise
        finally:
            self.model.users -= 1
        self.record["outcome"] = "answered"
        return answer

    def predict(self, payload: Payload, deadline_s: float) -> Prediction:
        """Ask the model, until *deadline_s*; raises what `Model.answer` does."""
        exchange = request.exchange
        exchange.trip = payload.trip
        payload.trip.origin = exchange.ids  # the exchange itself would be a circle
        exchange.stages.enter("queue")
        try:
            return self.model.answer(payload, deadline_s=deadline_s, gone=deadline.client_gone())
        finally:
            exchange.stages.enter("encode")
            _note(payload, exchange.stages, self.record)


def _note(payload: Payload, stages: Stages, record: dict[str, Any]) -> None:
    """Tell what became of the time that the model had, which has been counted as the queue's."""
    trip, batch = payload.trip, payload.trip.batch
    stages.reckon("decode", trip.decode_s, "queue")
    record["rows"] = payload.rows
    if batch:
        stages.reckon("infer", trip.infer_s(), "queue")
        stages.reckon("batch", trip.batch_s(), "queue")
        record |= {"batch_rows": batch.rows, "batch_requests": batch.requests}
    if (hub_s := trip.hub_s()) > BUSY_S:
        record["hub_ms"] = milliseconds(hub_s)
    if trip.restart_s:
        record["restart_ms"] = milliseconds(trip.restart_s)
