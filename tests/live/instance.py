"""A real instance: the Procfile's line, run as a platform runs it, on a port of its own."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

from tests.conftest import PROJECT, eventually

PROCFILE = (PROJECT / "Procfile").read_text()
WEB = re.search(r"^web: (.*)$", PROCFILE, re.MULTILINE)[1]


# Below those that the kernel gives to clients (ip_local_port_range), which come and go meanwhile.
SERVERS_PORTS = range(10_000, 32_000)


def free_port():
    while True:
        port = random.choice(SERVERS_PORTS)
        with socket.socket(socket.AF_INET6) as probe, suppress(OSError):
            probe.bind(("::", port))
            return port


class Instance:
    """Use as a context manager: starts, waits until ready, stops at the end."""

    def __init__(
        self,
        folder: Path,
        *,
        ready: bool = True,
        command: str = WEB,
        stdout: int | None = None,
        project: Path = PROJECT,
        **variables: str,
    ) -> None:
        """
        Start *project*, a checkout.

        *stdout* is a descriptor that takes the log's place: then nothing is read of it here.
        """
        self.port = int(variables.pop("PORT", 0)) or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"{self.port}.log"
        self._ready = ready
        defaults = {"WEB_CONCURRENCY": "1", "WEIR_LOG_FORMAT": "json"}
        repository = project / variables.get("WEIR_MODELS", "config/models")
        models = len([*repository.glob("*/model.toml"), *repository.glob("*/*/model.toml")])
        self._loads = int((defaults | variables)["WEB_CONCURRENCY"]) * models
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["sh", "-c", f"exec env {command}"],
                cwd=project,
                env=os.environ | defaults | variables | {"PORT": str(self.port), "PATH": path},
                stdout=log if stdout is None else stdout,
                stderr=log,
            )

    def __enter__(self) -> Self:
        if self._ready:
            eventually(self.all_ready)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop(signal.SIGQUIT)  # at once: what a drain does, the tests of it say themselves
        if error is not None:
            sys.stderr.write(self.log.read_text()[-5000:])

    def all_ready(self) -> bool:
        """Whether every worker has loaded every model; a probe asks only one of them."""
        assert self.process.poll() is None, self.log.read_text()
        return len(self.lines(event="model_ready")) >= self._loads

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return requests.get(self.url + "/readyz", timeout=5).ok
        except (requests.ConnectionError, requests.ReadTimeout):
            return False

    def stop(self, sent: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(sent)
        try:
            return self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def workers(self) -> list[int]:
        pid = self.process.pid
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def lines(self, **wanted: object) -> list[dict[str, object]]:
        """
        The log lines so far that have all the *wanted* members; each must be a JSON object.

        They leave a process some milliseconds late: the log is read once it has stopped growing.
        """
        settled = time.monotonic() + 1
        size = -1
        while size != (size := self.log.stat().st_size) and time.monotonic() < settled:
            time.sleep(0.05)
        parsed = [
            json.loads(line)
            for line in self.log.read_text().splitlines(keepends=True)
            if line.endswith("\n")
        ]
        return [line for line in parsed if wanted.items() <= line.items()]

    def metric(self, name: str, **labels: str) -> float:
        """The sum of the series *name* that have all *labels*, over all workers."""
        text = requests.get(self.url + "/metrics", timeout=10).text
        return sum(
            float(value)
            for series, value in re.findall(rf"^{name}(?:\{{(.*)\}})? (\S+)$", text, re.MULTILINE)
            if labels.items() <= dict(re.findall(r'(\w+)="([^"]*)"', series)).items()
        )


class AtSocket(Instance):
    """An instance at a Unix socket in *folder*; what it is asked by its url is the admin port's."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.path = str(folder / "weir.sock")
        self.admin_port = free_port()
        own = {"WEIR_SOCKET": self.path, "WEIR_ADMIN_PORT": str(self.admin_port)}
        super().__init__(folder, **variables | own)
        self.url = f"http://127.0.0.1:{self.admin_port}"
