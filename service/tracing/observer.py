"""
The observer that hands requests to the receiver: those that are sampled, and all that fail or last.

https://opentelemetry.io/docs/languages/sdk-configuration/ has the variables; what in them cannot be
used is told and left aside, as OpenTelemetry's specification wants it: no service stands still for
its tracing.
"""

import atexit
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from time import time_ns

import structlog

from service.exchange import Exchange
from service.quiet_minute import QuietMinute
from service.tracing.queue import ExportQueue
from service.tracing.sampling import DEFAULT, Sampler, sampler_of

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
PROTOCOL = "http/protobuf"

# OpenTelemetry's defaults for its batch processor, in requests here.
MOST, BATCH, DELAY_MS = 2048, 512, 5000

# What a process waits for at its end, so that its last spans are taken.
FLUSH_S = 2.0

log = structlog.get_logger()

# A request that has ended, and when, in nanoseconds since 1970.
Ended = tuple[Exchange, int]


@dataclass(frozen=True)
class Tracing:
    """Keeps the requests that are to be told, in *queue*."""

    queue: ExportQueue[Ended]
    sampler: Sampler
    slow_s: float

    def closed(self, exchange: Exchange) -> None:
        """Hand over a request that has ended, if it is sampled, has failed or took long."""
        if (
            exchange.status >= 500
            or exchange.stages.total_s >= self.slow_s
            or self.sampler(exchange.trace_id, exchange.parent)
        ):
            self.queue.put((exchange, time_ns()))


def tracing_of(environ: Mapping[str, str], slow_ms: int) -> Tracing | None:
    """Make what the OTEL_* variables ask for; None if that is nothing, or cannot be."""
    if not is_asked_for(environ):
        return None
    export = _exporter()
    if export is None:
        log.error(
            "tracing_unavailable", reason="OpenTelemetry is not installed; type make install-otlp"
        )
        return None
    queue = ExportQueue(
        export,
        most=_whole(environ, "OTEL_BSP_MAX_QUEUE_SIZE", MOST),
        batch=_whole(environ, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", BATCH),
        delay_s=_whole(environ, "OTEL_BSP_SCHEDULE_DELAY", DELAY_MS) / 1000,
    )
    atexit.register(queue.flush, FLUSH_S)
    return Tracing(queue, _sampler(environ), slow_ms / 1000)


def is_asked_for(environ: Mapping[str, str]) -> bool:
    """Whether spans are to be exported: there is somewhere to send them, and nobody said no."""
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    is_off = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    has_endpoint = any(environ.get(name, "").strip() for name in ENDPOINTS)
    if is_off or exporter not in {"", "otlp"} or not (exporter or has_endpoint):
        return False
    protocol = next(filter(None, (environ.get(name, "").strip() for name in PROTOCOLS)), PROTOCOL)
    if protocol != PROTOCOL:
        _ignore("OTEL_EXPORTER_OTLP_PROTOCOL", protocol, f"{PROTOCOL} is what is spoken here")
    return True


def _sampler(environ: Mapping[str, str]) -> Sampler:
    name = environ.get("OTEL_TRACES_SAMPLER", "").strip() or DEFAULT
    argument = environ.get("OTEL_TRACES_SAMPLER_ARG", "").strip()
    try:
        return sampler_of(name, argument)
    except ValueError as error:
        _ignore("OTEL_TRACES_SAMPLER", f"{name} {argument}".strip(), str(error))
        return sampler_of(DEFAULT, "")


def _whole(environ: Mapping[str, str], name: str, default: int) -> int:
    said = environ.get(name, "").strip()
    if said and not (said.isascii() and said.isdecimal() and int(said)):
        _ignore(name, said, "a whole number above 0 is wanted")
        said = ""
    return int(said or default)


def _ignore(variable: str, said: str, reason: str) -> None:
    log.warning("tracing_setting_ignored", variable=variable, value=said[:100], reason=reason)


def _exporter() -> Callable[[list[Ended]], bool] | None:
    """What sends requests to the receiver; None where OpenTelemetry is not installed."""
    try:
        # Imported late, and here: whoever does not ask for it need not have it, and native threads
        # that import have waited for each other.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import SpanExportResult  # noqa: PLC0415

        from service.tracing.spans import spans_of  # noqa: PLC0415
    except ImportError:
        return None
    named = {} if "OTEL_SERVICE_NAME" in os.environ else {"service.name": "weir"}
    resource = Resource.create({**named, "process.pid": os.getpid()})
    exporter = OTLPSpanExporter()
    minute = QuietMinute()
    # It tells each attempt; here it is told once a minute that there was none that succeeded.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)

    def export(ended: list[Ended]) -> bool:
        with suppress(Exception):
            spans = [span for one, at_ns in ended for span in spans_of(one, at_ns, resource)]
            if exporter.export(spans) is SpanExportResult.SUCCESS:
                return True
        if minute.is_over():
            log.warning("traces_not_exported", requests=len(ended))
        return False

    return export
