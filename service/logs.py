"""
One JSON object a line on stdout: our events, Gunicorn's messages and every library's.

House rules: an event's name is constant and its facts are fields; no body, query value or token
is ever a field.
"""

import logging
import os
import sys
import traceback
from datetime import UTC, datetime
from functools import cache, lru_cache
from io import StringIO
from time import time_ns
from typing import Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor

from service.exchange import PROBES, Exchange, Observer
from service.log_text import harmless, harmless_lines, json_line
from service.log_writer import LineWriter
from service.origin import identifiers

# Long enough to tell what was asked for; a line that is too long all the same is cut as a whole.
PATH_CHARS = 512
USER_AGENT_CHARS = 256

STDOUT = 1

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
    sink = Sink(writer())
    shape: list[Processor] = [EXCEPTIONS, _json_line] if as_json else [_harmless, _console()]
    structlog.configure(
        processors=[_about, _stamp, *shape],
        logger_factory=lambda *_: sink,
    )
    handler = ForeignHandler(sink)
    handler.setFormatter(_foreign_formatter(as_json=as_json))
    logging.basicConfig(handlers=[handler], force=True)
    set_level(level)
    logging.captureWarnings(capture=True)


def set_level(level: str) -> None:
    """Leave out what is below *level*, from now on."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(threshold))
    logging.getLogger().setLevel(threshold)


@cache
def writer() -> LineWriter:
    """Where all lines of this process go."""
    return LineWriter(STDOUT, _dropped_line)


def request_writer() -> Observer:
    """The observer that writes the line of each request when it has ended."""
    config = structlog.get_config()
    log = structlog.get_logger().bind()
    if _json_line not in config["processors"]:
        return lambda exchange: log.log(_level(exchange), "http_request", **_facts(exchange))
    root, put, pid = logging.getLogger(), writer().put, os.getpid()

    def write(exchange: Exchange) -> None:
        # What the bound logger does, without its bookkeeping: half the cost of the line.
        level = _level(exchange)
        if level >= root.level:
            line = {
                "timestamp": _now(),
                "level": LEVEL_NAMES[level],
                "event": "http_request",
                "pid": pid,
                **_facts(exchange),
            }
            put(json_line(line))

    return write


class Sink:
    """What structlog and `logging` write to: rendered lines, as text or as bytes."""

    def __init__(self, lines: LineWriter) -> None:
        self._lines = lines
        self._encoding = sys.stdout.encoding

    def msg(self, line: str | bytes) -> None:
        """Hand over a line, with escapes for what stdout's encoding does not know."""
        if isinstance(line, str):
            line = line.encode(self._encoding, "backslashreplace")
        self._lines.put(line)

    log = debug = info = warn = warning = error = err = critical = fatal = failure = exception = msg


class ForeignHandler(logging.Handler):
    """
    Gunicorn's and the libraries' records.

    It has no lock, as what it writes to needs none: native threads and the hub log through it.
    """

    def __init__(self, sink: Sink) -> None:
        super().__init__()
        self._sink = sink

    def handle(self, record: logging.LogRecord) -> bool:
        """Write *record*; one that cannot be rendered says so, and troubles nobody."""
        try:
            self._sink.msg(self.format(record))
        except Exception as error:  # noqa: BLE001  # a library's arguments may do anything
            fault = f"a record of {record.name!r} cannot be rendered: {type(error).__name__}"
            self._sink.msg(json_line(_stamp(None, "error", {"event": fault})))
        return True


def _level(exchange: Exchange) -> int:
    if exchange.status >= 500:
        return logging.ERROR if exchange.status == 500 else logging.WARNING
    return logging.DEBUG if exchange.route in PROBES else logging.INFO


def _facts(exchange: Exchange) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "request_id": exchange.request_id,
        "trace_id": exchange.trace_id,
        "span_id": exchange.span_id,
        "method": exchange.method,
        "route": exchange.route,
        "path": exchange.path[:PATH_CHARS],
        "status": exchange.status,
        "bytes_in": exchange.bytes_in,
        "bytes_out": exchange.bytes_out,
        "client_ip": exchange.client_ip,
        "user_agent": exchange.user_agent[:USER_AGENT_CHARS],
    }
    if exchange.key:
        facts["key"] = exchange.key
    if exchange.reason:
        facts["reason"] = exchange.reason
    if exchange.cut:
        facts["cut"] = exchange.cut
    if exchange.router_ms is not None:
        facts["router_ms"] = exchange.router_ms
    if exchange.prediction:
        facts |= exchange.prediction
    exchange.stages.tell(facts)
    return facts


def _now() -> str:
    """The time in ISO 8601, to the millisecond."""
    second, millisecond = divmod(time_ns() // 1_000_000, 1000)
    return f"{_second(second)}.{millisecond:03}+00:00"


@lru_cache(maxsize=1)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _about(_logger: object, _level: str, event: EventDict) -> EventDict:
    """Say which request, or which of a batch, the line is about."""
    return {**identifiers(), **event}


def _stamp(_logger: object, level: str, event: EventDict) -> EventDict:
    """Put first what a reader looks for first."""
    return {
        "timestamp": _now(),
        "level": "error" if level == "exception" else level,
        "event": event.pop("event"),
        "pid": os.getpid(),
        **event,
    }


def _dropped_line(lines: int) -> bytes:
    return json_line(_stamp(None, "warning", {"event": "log_lines_dropped", "lines": lines}))


def _json_line(_logger: object, _method: str, event: EventDict) -> bytes:
    return json_line(event)


def _harmless(_logger: object, _method: str, event: EventDict) -> EventDict:
    return {
        name: harmless(value if isinstance(value, str) else repr(value))
        if name != "exc_info" and not isinstance(value, bool | int | float | None)
        else value
        for name, value in event.items()
    }


def _console() -> Processor:
    return structlog.dev.ConsoleRenderer(
        colors=sys.stdout.isatty(), sort_keys=False, exception_formatter=_plain_traceback
    )


def _plain_traceback(text: Any, exc_info: Any) -> None:
    written = StringIO()
    traceback.print_exception(*exc_info, file=written)
    text.write("\n" + harmless_lines(written.getvalue().rstrip()))


def _foreign_formatter(*, as_json: bool) -> logging.Formatter:
    def json_text(_logger: object, _method: str, event: EventDict) -> str:
        return json_line(event).decode()

    def plain(_logger: object, _method: str, event: EventDict) -> EventDict:
        record = event.pop("_record")
        event.pop("_from_structlog")
        facts = {"logger": record.name, **identifiers(), **event}
        return _stamp(None, record.levelname.lower(), facts)

    shape: list[Processor] = [EXCEPTIONS, json_text] if as_json else [_harmless, _console()]
    return structlog.stdlib.ProcessorFormatter(processors=[plain, *shape])
