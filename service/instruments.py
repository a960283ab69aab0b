"""
The instruments.

prometheus-client keeps each worker's values in memory-mapped files in PROMETHEUS_MULTIPROC_DIR,
which gunicorn.conf.py makes before the first worker starts. Without it (the development server)
the metrics are this process's alone.
"""

from bisect import bisect_left
from typing import Any

import prometheus_client
from prometheus_client import Gauge

from service.exemplars import Exemplars

# From an echo to the router's limit of 30 s, with 0.2 s for an objective to stand on.
DURATIONS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 30)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
SIZES_BYTES = (1 << 10, 10 << 10, 100 << 10, 1 << 20, 5 << 20, 10 << 20)


class Counter(prometheus_client.Counter):
    """Counts at a third of the cost: nothing here counts backwards, or a parent of labels."""

    def inc(self, amount: float = 1, exemplar: Any = None) -> None:  # noqa: ARG002  # its own
        """Add *amount*."""
        self._value.inc(amount)


class Histogram(prometheus_client.Histogram):
    """Finds the bucket by bisection; exemplars are kept beside it."""

    def observe(self, amount: float, exemplar: Any = None) -> None:  # noqa: ARG002  # its own
        """Count *amount* in the first bucket whose limit it does not exceed."""
        self._sum.inc(amount)
        self._buckets[bisect_left(self._upper_bounds, amount)].inc(1)


REQUESTS = Counter("http_requests_total", "Requests answered.", ["method", "route", "status"])
KEY_REQUESTS = Counter(
    "api_key_requests_total", "Requests answered to those who came with a key.", ["key", "status"]
)
DURATION_NAME = "http_request_duration_seconds"
REQUEST_DURATION = Histogram(
    DURATION_NAME,
    "From the whole request, its body included, to the last byte of its answer.",
    ["method", "route"],
    buckets=DURATIONS_S,
)
DURATION_EXEMPLARS = Exemplars(DURATIONS_S)
IN_FLIGHT = Gauge(
    "http_requests_in_flight", "Requests being handled now.", multiprocess_mode="livesum"
)
GREENLETS = Gauge(
    "worker_greenlets",
    "Greenlets of a worker: one for each connection, and those that wait for native threads.",
    ["worker"],
    multiprocess_mode="livesum",
)
MEMORY = Gauge(
    "worker_memory_bytes",
    "Memory of a worker: rss, and pss, its share of what is shared; every ten seconds.",
    ["worker", "kind"],
    multiprocess_mode="livesum",
)
REQUEST_MEMORY = Gauge(
    "worker_request_memory_bytes",
    "Memory that requests hold, and may hold, in a worker.",
    ["worker", "kind"],
    multiprocess_mode="livesum",
)
WAITING = Gauge(
    "thread_pool_waiting",
    "Requests that wait for a native thread, by what it does: parsing, scraping, decoding.",
    ["pool"],
    multiprocess_mode="livesum",
)
WORKERS_READY = Gauge(
    "workers_ready", "Workers that may have traffic.", multiprocess_mode="livesum"
)
MODEL_READY = Gauge(
    "model_ready_workers",
    "Workers in which a model answers.",
    ["model", "version"],
    multiprocess_mode="livesum",
)
LOAD = Gauge(
    "model_load_seconds",
    "What the last load of a model took, in the slowest worker.",
    ["model", "version"],
    multiprocess_mode="livemax",
)
SPANS_DROPPED = Counter(
    "trace_requests_dropped_total",
    "Requests whose spans the receiver did not take, or not in time.",
)
CONNECTIONS = Gauge(
    "worker_connections",
    "Connections that a worker holds, by its slot.",
    ["worker"],
    multiprocess_mode="livesum",
)
TIMEOUTS = Counter(
    "http_timeouts_total",
    "Connections that outlasted a deadline, by phase: idle, head, body, handling, write.",
    ["phase"],
)
EVICTED = Counter(
    "http_connections_evicted_total", "Idle connections ended to make room for newcomers."
)
HUB_LAG = Histogram(
    "worker_hub_lag_seconds",
    "How late a worker's hub came to a timer that was due.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 5),
)
SHED = Counter("http_requests_shed_total", "Requests refused for want of room.", ["reason"])
OBSERVER_FAULTS = Counter(
    "observer_faults_total", "Log lines or counts of a request that failed.", ["observer"]
)
LINES_DROPPED = Counter(
    "log_lines_dropped_total", "Log lines that stdout did not take, or not in time."
)
BODY = Histogram("http_request_body_bytes", "Size of the request bodies read.", buckets=SIZES_BYTES)
PREDICTIONS = Counter(
    "model_predictions_total", "Predictions asked of a model.", ["model", "version", "outcome"]
)
INFERENCE = Histogram(
    "model_inference_duration_seconds",
    "Time that a model's runtime took for one call.",
    ["model", "version"],
    buckets=DURATIONS_S,
)
QUEUE_WAIT = Histogram(
    "model_queue_wait_seconds",
    "Time that a prediction waited for its batch to begin.",
    ["model"],
    buckets=DURATIONS_S,
)
BATCH_ROWS = Histogram(
    "model_batch_rows", "Rows that shared a call of a model.", ["model"], buckets=ROWS
)
QUEUED = Gauge(
    "model_queued_rows",
    "Rows that wait for a model or are in it.",
    ["model"],
    multiprocess_mode="livesum",
)
PROCESS_ENDS = Counter(
    "model_process_ends_total",
    "Ends of a model's process, by stage: loading, batch, idle.",
    ["model", "version", "stage"],
)
INFO = Gauge(
    "service_info",
    "What runs here; always 1.",
    ["version", "commit", "python"],
    multiprocess_mode="livemax",
)

# What is known of labels before anything has happened.
KNOWN_LABELS: dict[Counter, tuple[str, ...]] = {
    OBSERVER_FAULTS: ("metrics", "logs", "tracing"),
    SHED: ("in_flight", "connections", "queue_full", "memory"),
    TIMEOUTS: ("idle", "head", "body", "handling", "write"),
}
