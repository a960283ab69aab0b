"""What a model prints, as lines of the service's log."""

import atexit
import os
import sys
import threading
from datetime import UTC, datetime

from service.log_text import json_line
from service.log_writer import LineWriter

# A line that is longer, or never ends, is cut into pieces of so many bytes.
PIECE_BYTES = 2000
FINISH_S = 1.0


def keep_lines_whole(model: str) -> None:
    """
    Send whatever this process writes to stdout or stderr to stdout, one JSON object a line.

    The model never waits for whoever reads them: what is not taken in time is dropped, and told.
    """

    def dropped(lines: int) -> bytes:
        return _event(model, "warning", "log_lines_dropped", {"lines": lines})

    writer = LineWriter(os.dup(1), dropped)
    readable, writable = os.pipe()
    for standard in (1, 2):
        os.dup2(writable, standard)
    os.close(writable)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]

    def forward() -> None:
        with os.fdopen(readable, "rb") as printed:
            while piece := printed.readline(PIECE_BYTES):
                text = piece.decode("utf-8", "replace").rstrip()
                writer.put(_event(model, "info", "model_output", {"line": text}))

    forwarder = threading.Thread(target=forward, daemon=True)
    forwarder.start()

    def finish() -> None:
        sys.stdout.flush()
        silence = os.open(os.devnull, os.O_WRONLY)
        for standard in (1, 2):
            os.dup2(silence, standard)  # the pipe's last ends: the forwarder comes to its end
        forwarder.join(FINISH_S)

    atexit.register(finish)  # before the writer's own, which waits for what is handed over here


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
