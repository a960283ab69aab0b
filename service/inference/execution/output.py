"""What a model prints, as lines of the service's log."""

import atexit
import os
import secrets
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import orjson

from service.log_text import json_line
from service.log_writer import LineWriter

# A line that is longer, or never ends, is cut into pieces of so many bytes.
PIECE_BYTES = 2000
FINISH_S = 1.0

# What no model prints: by it the process tells whom its lines are about.
MARK_BYTES = 16


def keep_lines_whole(model: str) -> Callable[[bytes], None]:
    """
    Send whatever this process writes to stdout or stderr to stdout, one JSON object a line.

    The model never waits for whoever reads them: what is not taken in time is dropped, and told.
    To be called with the fields, in JSON, of those whom lines are about from now on: that goes the
    way of the lines, so that none that waits there is taken for another's.
    """

    def dropped(lines: int) -> bytes:
        return _event(model, "warning", "log_lines_dropped", {"lines": lines})

    writer = LineWriter(os.dup(1), dropped)
    readable, writable = os.pipe()
    for standard in (1, 2):
        os.dup2(writable, standard)
    os.close(writable)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    mark = secrets.token_bytes(MARK_BYTES).replace(b"\n", b"\r")
    forwarder = threading.Thread(
        target=_forward, args=(readable, mark, model, writer.put), daemon=True
    )
    forwarder.start()

    def finish() -> None:
        sys.stdout.flush()
        silence = os.open(os.devnull, os.O_WRONLY)
        for standard in (1, 2):
            os.dup2(silence, standard)  # the pipe's last ends: the forwarder comes to its end
        forwarder.join(FINISH_S)

    atexit.register(finish)  # before the writer's own, which waits for what is handed over here

    def about(fields: bytes) -> None:
        sys.stdout.flush()
        os.write(1, mark + fields + b"\n")

    return about


def _forward(readable: int, mark: bytes, model: str, put: Callable[[bytes], None]) -> None:
    """Put what is printed, a line after another; a *mark* tells whom the next ones are about."""
    about: dict[str, object] = {}
    with os.fdopen(readable, "rb") as printed:
        while piece := printed.readline(PIECE_BYTES):
            text, marked, fields = piece.partition(mark)
            if text or not marked:
                line = text.decode("utf-8", "replace").rstrip()
                put(_event(model, "info", "model_output", {**about, "line": line}))
            if marked:
                about = orjson.loads(fields.strip() or b"{}")


def _event(model: str, level: str, event: str, facts: dict[str, object]) -> bytes:
    return json_line(
        {
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "level": level,
            "event": event,
            "pid": os.getpid(),
            "model": model,
            **facts,
        }
    )
