"""What a model prints, as lines of the service's log."""

import atexit
import json
import os
import sys
import threading
from datetime import UTC, datetime

LINE_CHARS = 2000
FINISH_S = 1.0


def keep_lines_whole(model: str) -> None:
    """Send whatever this process writes to stdout or stderr to stdout, one JSON object a line."""
    log = os.fdopen(os.dup(1), "wb", buffering=0)
    readable, writable = os.pipe()
    for standard in (1, 2):
        os.dup2(writable, standard)
    os.close(writable)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]

    def forward() -> None:
        with os.fdopen(readable, "rb") as lines:
            for line in lines:
                log.write(_event(model, line.decode("utf-8", "replace").rstrip()))

    forwarder = threading.Thread(target=forward, daemon=True)
    forwarder.start()

    def finish() -> None:
        sys.stdout.flush()
        for standard in (1, 2):
            os.dup2(log.fileno(), standard)  # the pipe's last ends: the forwarder comes to its end
        forwarder.join(FINISH_S)

    atexit.register(finish)


def _event(model: str, line: str) -> bytes:
    event = {
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": "info",
        "event": "model_output",
        "pid": os.getpid(),
        "model": model,
        "line": line[:LINE_CHARS],
    }
    return json.dumps(event).encode() + b"\n"
