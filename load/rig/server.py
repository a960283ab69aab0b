"""The server under measurement: the Procfile's line, on a port, cores and a cgroup of its own."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import msgspec

from load.rig import readings

PROJECT = Path(__file__).resolve().parents[2]
PRODUCT = "service.wsgi:app"
BENCH = "load.rig.bench_app:app"
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # not a temporary file but a place for them

BOOT_LIMIT_S = 120.0
SETTLE_LIMIT_S = 2.0

# The shell ends the whole group when its input ends: when we close it, and when we are killed.
SHELL = """
echo $$ > "${PROCS_FILE:-/dev/null}"
exec 3<&0
env %s </dev/null 3<&- &
read -r _ <&3
rm -rf "$FOLDER"
kill -KILL 0
"""

# So that a model does not multiply its threads by the workers, and runs can be repeated.
STEADY = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "WEIR_HOST": "127.0.0.1",
    "WEIR_LOG_FORMAT": "json",
    "WEIR_LOG_LEVEL": "info",
    "WEIR_MAX_REQUESTS": "0",
}


class ServerFailed(RuntimeError):
    """The server did not come up; the message ends with what it said last."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Which application to serve, with how many workers, where."""

    app: str
    workers: int
    cores: tuple[int, ...]
    variables: dict[str, str] = field(default_factory=dict)


class _Line(msgspec.Struct):
    event: str = ""
    pid: int = 0
    user_agent: str = ""


class Instance:
    """Use as a context manager: starts, waits until every worker has loaded, stops at the end."""

    def __init__(self, setup: Setup) -> None:
        self._workers = setup.workers
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        place = SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else None
        self._folder = Path(tempfile.mkdtemp(prefix="weir-load-", dir=place))
        self._log = self._folder / "log"
        self.clock = readings.cpu_clock()
        read_end, self._lifeline = os.pipe()
        with readings.pinned(setup.cores), self._log.open("wb") as log:
            self._shell = subprocess.Popen(  # noqa: S603  # the Procfile's line
                ["/bin/sh", "-c", SHELL % web_line(setup.app)],
                cwd=PROJECT,
                env=self._environment(setup),
                stdin=read_end,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        os.close(read_end)

    def _environment(self, setup: Setup) -> dict[str, str]:
        own = {
            "PORT": str(self.port),
            "WEB_CONCURRENCY": str(setup.workers),
            "PROMETHEUS_MULTIPROC_DIR": str(self._folder / "metrics"),
            "FOLDER": str(self._folder),
            "PROCS_FILE": str(self.clock.procs_file or ""),
            "PATH": programs_path(),
        }
        return os.environ | STEADY | setup.variables | own

    def __enter__(self) -> Self:
        try:
            self._await_workers()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._lifeline)
        self._shell.wait(30)
        self.clock.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _await_workers(self) -> None:
        deadline = time.monotonic() + BOOT_LIMIT_S
        while True:
            time.sleep(0.05)
            said = self._lines()
            if len({line.pid for line in said if line.event == "model_ready"}) >= self._workers:
                return
            if self._has_ended() or time.monotonic() > deadline:
                tail = self._log.read_text(errors="replace")[-2000:]
                raise ServerFailed(f"{self._workers} workers did not come up:\n{tail}")

    def _has_ended(self) -> bool:
        return bool(self.master) and readings.has_ended(self.master)

    @property
    def master(self) -> int:
        """Its process id; 0 before it has one."""
        return next(iter(readings.children(self._shell.pid)), 0)

    @property
    def workers(self) -> list[int]:
        """The workers' process ids."""
        return [pid for pid in readings.children(self.master) if not readings.has_ended(pid)]

    def log_position(self) -> int:
        """A place in the log, to count from."""
        return self._log.stat().st_size

    def answered_by_worker(self, since: int, user_agent: str, expected: int) -> Counter[int]:
        """
        The answers to *user_agent* that each worker has logged after the place *since*.

        A line is written just after its answer has left, so it waits a moment for the last of
        the *expected* ones.
        """
        deadline = time.monotonic() + SETTLE_LIMIT_S
        while True:
            lines = self._lines(since)
            counted = Counter(
                line.pid
                for line in lines
                if line.event == "http_request" and line.user_agent == user_agent
            )
            if counted.total() >= expected or time.monotonic() > deadline:
                return counted
            time.sleep(0.02)

    def _lines(self, since: int = 0) -> list[_Line]:
        with self._log.open("rb") as log:
            log.seek(since)
            text = log.read()
        return [
            msgspec.json.decode(line, type=_Line)
            for line in text[: text.rfind(b"\n") + 1].splitlines()
            if line.startswith(b"{")
        ]


def programs_path() -> str:
    """PATH with the programs of this Python's environment before all others."""
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def web_line(app: str) -> str:
    """The Procfile's line for web, with *app* in the product's place."""
    text = (PROJECT / "Procfile").read_text()
    found = re.search(r"^web: (.*)$", text, re.MULTILINE)
    if not found or PRODUCT not in found[1]:
        raise ServerFailed(f"the Procfile has no line for web that serves {PRODUCT}")
    return found[1].replace(PRODUCT, app)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
