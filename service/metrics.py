"""What is counted of requests, predictions and workers, and GET /metrics over all workers."""

import platform
from collections import defaultdict
from functools import cache, partial
from time import monotonic
from typing import Any

from flask import Blueprint
from werkzeug.exceptions import HTTPException

from service import __version__, errors
from service.answer import Answer
from service.application import Application, current_app
from service.compression import CODING, pack
from service.exchange import METHODS, Exchange
from service.exposition import CONTENT_TYPES, Exposition, media_type_for
from service.instruments import (
    BATCH_ROWS,
    BODY,
    DURATION_EXEMPLARS,
    IN_FLIGHT,
    INFERENCE,
    INFO,
    KEY_REQUESTS,
    KNOWN_LABELS,
    LINES_DROPPED,
    LOAD,
    MEMORY,
    MODEL_READY,
    OBSERVER_FAULTS,
    PREDICTIONS,
    PROCESS_ENDS,
    QUEUE_WAIT,
    QUEUED,
    REQUEST_DURATION,
    REQUESTS,
    SHED,
    SPANS_DROPPED,
    WAITING,
    WORKERS_READY,
)
from service.request import request

# Prometheus waits for so long by default; a scrape computes for some milliseconds.
SCRAPE_S = 10.0

# What became of a prediction that has no answer; whatever is not here was refused.
OUTCOMES: dict[type[errors.ServiceError], str] = {
    errors.ModelFailed: "failed",
    errors.ModelDied: "failed",
    errors.ModelUnavailable: "failed",
    errors.DeadlineExceeded: "expired",
    errors.ClientGone: "abandoned",
    errors.QuarantinedPayload: "quarantined",
}

ALL_OUTCOMES = ("answered", "refused", *dict.fromkeys(OUTCOMES.values()))
STAGES = ("loading", "batch", "idle")

blueprint = Blueprint("metrics", __name__)


def init_app(app: Application) -> None:
    """Serve /metrics; called by the application factory."""
    # A series that begins with its first fault hides it.
    for counter, known in KNOWN_LABELS.items():
        for label in known:
            counter.labels(label)
    INFO.labels(__version__, app.settings.commit, platform.python_version()).set(1)
    app.register_blueprint(blueprint)


@blueprint.get("/metrics")
def metrics() -> Answer:
    """All workers' metrics as Prometheus text or OpenMetrics, by `Accept`."""
    current_app.sample_gauges()
    media_type = media_type_for(request.headers.get("Accept", ""))
    packs = current_app.packs_for(request)
    write = partial(_written, media_type, packs=packs)
    text = current_app.scraping.run(partial(write, current_app.exposition), monotonic() + SCRAPE_S)
    answer = Answer(text, 200, CONTENT_TYPES[media_type])
    if packs:
        answer.headers["Content-Encoding"] = CODING
    return answer


def _written(media_type: str, exposition: Exposition, *, packs: bool) -> bytes:
    text = exposition.text(media_type)
    return pack(text) if packs else text


def sample(app: Application) -> None:
    """
    Set the gauges to what is under way in this worker now.

    A worker does so at each scrape that it answers and ten times a second; set by each request,
    they took a fiftieth of a small prediction.
    """
    IN_FLIGHT.set(app.recorder.in_flight)
    WORKERS_READY.set(not app.admission.ending and not app.catalog.unready())
    WAITING.labels("parsing").set(app.parsing.waiting)
    WAITING.labels("scraping").set(app.scraping.waiting)
    WAITING.labels("decoding").set(sum(model.usage.waiting_requests for model in app.catalog))
    queued_rows: dict[str, int] = defaultdict(int)
    for model in app.catalog:
        queued_rows[model.name] += model.queued_rows
        if model.version:
            _child(MODEL_READY, model.name, model.version).set(model.state == "ready")
    for name, rows in queued_rows.items():
        _child(QUEUED, name).set(rows)


def closed(exchange: Exchange) -> None:
    """Count a request that has ended, with all that is known of it."""
    method, stages = exchange.method, exchange.stages
    kind = method if method in METHODS else "OTHER", exchange.route
    _child(REQUESTS, *kind, exchange.status).inc()
    if stages.whole_at is not None:
        duration_s = stages.duration_s
        _child(REQUEST_DURATION, *kind).observe(duration_s)
        DURATION_EXEMPLARS.note(kind, duration_s, exchange.trace_id)
    if exchange.bytes_in:
        BODY.observe(exchange.bytes_in)
    if exchange.key:
        _child(KEY_REQUESTS, exchange.key.partition(":")[0], exchange.status).inc()
    if exchange.shed:
        SHED.labels(exchange.shed).inc()
    if exchange.prediction:
        _count_prediction(exchange)


def expect(model: str, version: str) -> None:
    """Begin the series of a model's version at 0; said again, it changes nothing."""
    for outcome in ALL_OUTCOMES:
        PREDICTIONS.labels(model, version, outcome)
    for stage in STAGES:
        PROCESS_ENDS.labels(model, version, stage)
    INFERENCE.labels(model, version)
    for per_model in (QUEUE_WAIT, BATCH_ROWS, QUEUED):
        per_model.labels(model)


def loaded(model: str, version: str, load_s: float) -> None:
    """Tell what a load of *model* took; its series begin at 0."""
    expect(model, version)
    LOAD.labels(model, version).set(load_s)


def retired(model: str, version: str) -> None:
    """Tell that a version answers no more; where another of that name does, it says so again."""
    _child(MODEL_READY, model, version).set(0)


def remember(worker: int, kind: str, size_bytes: int) -> None:
    """Tell the memory of a worker; called from a native thread."""
    MEMORY.labels(str(worker), kind).set(size_bytes)


def ran(model: str, version: str, rows: int, infer_s: float) -> None:
    """Count a call of *model* and the rows that shared it."""
    _child(INFERENCE, model, version).observe(infer_s)
    _child(BATCH_ROWS, model).observe(rows)


def process_ended(model: str, version: str, stage: str) -> None:
    """Count the end of a process of *model*'s."""
    PROCESS_ENDS.labels(model, version, stage).inc()


def observer_failed(observer: str) -> None:
    """Count the fault of an observer, by its module."""
    OBSERVER_FAULTS.labels(observer).inc()


def lines_dropped(lines: int) -> None:
    """Count log lines that have been dropped; called from native threads as well."""
    LINES_DROPPED.inc(lines)


def spans_dropped(requests: int) -> None:
    """Count requests whose spans have been dropped; called from native threads as well."""
    SPANS_DROPPED.inc(requests)


def outcome_of(error: BaseException) -> str:
    """Name what became of a prediction that ended with *error*: a surprise is our failure."""
    if isinstance(error, errors.ServiceError):
        return OUTCOMES.get(type(error), "refused")
    if isinstance(error, HTTPException):
        return "refused"
    return "failed" if isinstance(error, Exception) else "expired"


def _count_prediction(exchange: Exchange) -> None:
    asked = exchange.prediction
    _child(PREDICTIONS, asked["model"], asked["version"], asked["outcome"]).inc()
    if exchange.trip and exchange.trip.batch:
        waited_s = exchange.trip.began_s - exchange.trip.asked_s
        _child(QUEUE_WAIT, asked["model"]).observe(waited_s)


# Finding a labelled child costs more than incrementing it; routes, methods and models are few.
@cache
def _child(instrument: Any, *labels: str | int) -> Any:
    return instrument.labels(*labels)
