"""Servers to measure: started on a port, pinned to a core, waited for, stopped."""

import os
import shlex
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
WEIR = "gunicorn --config gunicorn.conf.py service.wsgi:app"


@contextmanager
def serving(
    command: str, port: int, cores: str = "0", workers: int = 1, ready: str | None = None
) -> Iterator[int]:
    """
    Run a server on *port*, pinned to *cores*, until the block ends; yields its master's pid.

    The block starts once the path *ready* is answered.
    """
    variables = {"PORT": str(port), "WEB_CONCURRENCY": str(workers), "GUNICORN_CMD_ARGS": ""}
    process = subprocess.Popen(
        ["taskset", "-c", cores, *shlex.split(command.format(port=port))],
        cwd=PROJECT,
        env=os.environ | variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        ready = ready or ("/readyz" if command == WEIR else "/?msg=ready")
        _await_answer(f"http://127.0.0.1:{port}{ready}")
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        with suppress(ProcessLookupError):  # LitServe's master leaves its processes behind
            os.killpg(process.pid, signal.SIGKILL)


def _await_answer(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=1).read()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"{url} did not answer within 60 s")
