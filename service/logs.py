"""
One JSON object a line on stdout: our events, Gunicorn's messages and every library's.

House rules: an event's name is constant and its facts are fields; no body, query value or token
is ever a field.
"""

import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
import structlog
from gunicorn.glogging import Logger
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor

from config.settings import from_environ

if TYPE_CHECKING:  # this file is imported before gevent patches, and Flask must not be
    from service.exchange import Exchange, Observer

# A pipe takes writes of up to PIPE_BUF (4096 bytes) whole, so the workers' lines do not mix.
PATH_CHARS = 512
USER_AGENT_CHARS = 256

# Probes and scrapes come every few seconds and say nothing while they succeed.
QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics"})

# JSON may hold these as they are, and readers of lines may split there.
LINE_SEPARATORS = tuple((mark.encode(), rb"\u%04x" % ord(mark)) for mark in "\x85\u2028\u2029")

LEVEL_NAMES = {number: name.lower() for name, number in logging.getLevelNamesMapping().items()}

EXCEPTIONS = structlog.processors.ExceptionRenderer(
    ExceptionDictTransformer(show_locals=False, max_frames=20)
)


def is_json(form: str) -> bool:
    """Whether lines are JSON objects; *form* is auto, json or console."""
    return form == "json" or (form == "auto" and not sys.stdout.isatty())


def configure(level: str, form: str) -> None:
    """Send every log line of this process to stdout; *form* is auto, json or console."""
    as_json = is_json(form)
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[_stamp, EXCEPTIONS, _json_line] if as_json else [_stamp, _console()],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.BytesLoggerFactory(sys.stdout.buffer)
        if as_json
        else structlog.WriteLoggerFactory(sys.stdout),
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_foreign_formatter(as_json=as_json))
    logging.basicConfig(handlers=[handler], level=threshold, force=True)
    logging.captureWarnings(capture=True)


def request_writer() -> "Observer":
    """The observer that writes the line of each request when it has ended."""
    config = structlog.get_config()
    log = structlog.get_logger().bind()
    if _json_line not in config["processors"]:
        return lambda exchange: log.log(_level(exchange), "http_request", **_facts(exchange))
    threshold = log.get_effective_level()
    sink = config["logger_factory"]()

    def write(exchange: "Exchange") -> None:
        # What the bound logger does, without its bookkeeping: half the cost of the line.
        level = _level(exchange)
        if level >= threshold:
            event = {"event": "http_request", **_facts(exchange)}
            sink.msg(_json_line(None, "", _stamp(None, LEVEL_NAMES[level], event)))

    return write


class GunicornLogger(Logger):  # type: ignore[misc]  # Gunicorn has no types
    """Gunicorn's messages in our shape; its access line is ours to write, so it writes none."""

    def setup(self, cfg: Any) -> None:
        """Called by Gunicorn at its start and at each reload."""
        super().setup(cfg)
        settings = from_environ()
        configure(settings.log_level, settings.log_format)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        self.access_log.handlers.clear()

    def access(self, *_: Any) -> None:
        """Write nothing: a request has one line, and GUNICORN_CMD_ARGS cannot add another."""


def _level(exchange: "Exchange") -> int:
    if exchange.status >= 500:
        return logging.ERROR if exchange.status == 500 else logging.WARNING
    return logging.DEBUG if exchange.route in QUIET_ROUTES else logging.INFO


def _facts(exchange: "Exchange") -> dict[str, Any]:
    return {
        "request_id": exchange.request_id,
        "method": exchange.method,
        "route": exchange.route,
        "path": exchange.path[:PATH_CHARS],
        "status": exchange.status,
        "duration_ms": round(exchange.duration_s * 1000, 3),
        "bytes_in": exchange.bytes_in,
        "bytes_out": exchange.bytes_out,
        "client_ip": exchange.client_ip,
        "user_agent": exchange.user_agent[:USER_AGENT_CHARS],
        **({"cut": exchange.cut} if exchange.cut else {}),
        **exchange.prediction,
    }


def _stamp(_logger: object, level: str, event: EventDict) -> EventDict:
    """Put first what a reader looks for first."""
    return {
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": "error" if level == "exception" else level,
        "event": event.pop("event"),
        "pid": os.getpid(),
        **event,
    }


def _json_line(_logger: object, _method: str, event: EventDict) -> bytes:
    try:
        line = orjson.dumps(event, default=repr)
    except TypeError:  # orjson refuses lone surrogates, which a header or a path may hold
        return json.dumps(event, default=repr).encode()
    for separator, escaped in LINE_SEPARATORS:
        line = line.replace(separator, escaped)
    return line


def _console() -> Processor:
    return structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), sort_keys=False)


def _foreign_formatter(*, as_json: bool) -> logging.Formatter:
    def json_text(logger: object, method: str, event: EventDict) -> str:
        return _json_line(logger, method, event).decode()

    def plain(_logger: object, _method: str, event: EventDict) -> EventDict:
        record = event.pop("_record")
        event.pop("_from_structlog")
        return _stamp(None, record.levelname.lower(), {"logger": record.name, **event})

    shape: list[Processor] = [EXCEPTIONS, json_text] if as_json else [_console()]
    return structlog.stdlib.ProcessorFormatter(processors=[plain, *shape])
