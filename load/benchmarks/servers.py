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
from tempfile import TemporaryFile
from typing import IO

from load.rig.server import ServerFailed, programs_path

PROJECT = Path(__file__).resolve().parents[2]
WEIR = "gunicorn --config gunicorn.conf.py service.wsgi:app"

BOOT_LIMIT_S = 60

# For every server: no settings but those given here, and nobody is told of anything.
ALL = {
    "GUNICORN_CMD_ARGS": "",
    "ORT_DISABLE_TELEMETRY": "1",
    "BENTOML_DO_NOT_TRACK": "True",
    "DO_NOT_TRACK": "1",
}


@contextmanager
def serving(
    command: str,
    port: int,
    cores: str = "0",
    workers: int = 1,
    *,
    ready: str | None = None,
    project: Path = PROJECT,
) -> Iterator[int]:
    """
    Run *project*'s server on *port*, pinned to *cores*, until the block ends; its master's pid.

    The block starts once the path *ready* is answered.
    """
    own = {"PORT": str(port), "WEB_CONCURRENCY": str(workers), "PATH": programs_path()}
    with TemporaryFile() as printed:
        process = subprocess.Popen(
            ["taskset", "-c", cores, *shlex.split(command.format(port=port))],
            cwd=project,
            env=os.environ | ALL | own,
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            ready = ready or ("/readyz" if command == WEIR else "/?msg=ready")
            _await_answer(f"http://127.0.0.1:{port}{ready}", process, printed)
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):  # MLServer may wait for its workers for ever
                process.wait(30)
            with suppress(ProcessLookupError):  # LitServe's master leaves its processes behind
                os.killpg(process.pid, signal.SIGKILL)


def _await_answer(url: str, process: "subprocess.Popen[bytes]", printed: IO[bytes]) -> None:
    """Return when *url* is answered. Raises ServerFailed with what was *printed* if it is not."""
    deadline = time.monotonic() + BOOT_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=1).read()
        except OSError:
            time.sleep(0.1)
        else:
            return
    printed.seek(0)
    tail = printed.read()[-2000:].decode(errors="replace")
    why = "has ended" if process.poll() is not None else f"did not answer in {BOOT_LIMIT_S} s"
    raise ServerFailed(f"{url}: the server {why}; it printed:\n{tail}")
