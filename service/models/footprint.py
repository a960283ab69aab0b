"""
What a model costs in memory, measured on real instances of the service.

PSS counts a page that processes share by each one's part, so that the processes of an instance
add up to what it takes. Only Linux has it; elsewhere pages that processes share are not counted.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from urllib.error import URLError
from urllib.request import Request, urlopen

import psutil

from service.errors import InvalidModel

PROJECT = Path(__file__).resolve().parents[2]
LOAD_LIMIT_S = 600.0
REQUESTS_PER_WORKER = 50
LOOK_S = 0.1

# The module that a model's process runs.
HOST = "service.inference.execution.host"


@dataclass(frozen=True)
class Footprint:
    """
    MB of an instance with one worker, of each worker more, and of the model's process in it.

    *weights* says whether workers share them, where that is told.
    """

    first_mb: float
    further_mb: float
    process_mb: float
    process_private_mb: float
    weights: str = ""


def measure(folder: Path, name: str, predict: tuple[bytes, str]) -> Footprint | None:
    """
    Serve only *folder*, with one worker and with two, and ask *predict* (body, media type).

    None where the system does not tell what processes take.
    """
    try:
        return _measured(folder, name, predict)
    except psutil.Error:
        return None


def _measured(folder: Path, name: str, predict: tuple[bytes, str]) -> Footprint:
    (one, weights), (two, _) = (_instance_mb(folder, name, count, predict) for count in (1, 2))
    return Footprint(
        first_mb=one["all"],
        further_mb=max(0.0, two["all"] - one["all"]),
        process_mb=one["process"],
        process_private_mb=one["private"],
        weights=weights,
    )


def _instance_mb(
    folder: Path, name: str, workers: int, predict: tuple[bytes, str]
) -> tuple[dict[str, float], str]:
    with TemporaryDirectory() as scratch:
        repository = Path(scratch, "models")
        repository.mkdir()
        (repository / name).symlink_to(folder.resolve())
        with _serving(repository, Path(scratch, "log"), workers) as (pid, url):
            for _ in range(REQUESTS_PER_WORKER * workers):
                _ask(f"{url}/models/{name}/predict", *predict)
            master = psutil.Process(pid)
            processes = [master, *master.children(recursive=True)]
            hosts = [each for each in processes if HOST in each.cmdline()]
            sizes_mb = {
                "all": sum(map(_share_mb, processes)),
                "process": sum(map(_share_mb, hosts)),
                "private": sum(map(_private_mb, hosts)),
            }
            return sizes_mb, _weights(Path(scratch, "log"))


@contextmanager
def _serving(repository: Path, log: Path, workers: int) -> Iterator[tuple[int, str]]:
    """An instance whose workers have all loaded; stopped at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "PORT": str(port),
        "WEIR_HOST": "127.0.0.1",
        "WEIR_MODELS": str(repository),
        "WEB_CONCURRENCY": str(workers),
        "WEIR_LOG_FORMAT": "json",
        "GUNICORN_CMD_ARGS": "",
    }
    with log.open("wb") as out:
        master = subprocess.Popen(  # our own service
            [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "service.wsgi:app"],
            cwd=PROJECT,
            env=os.environ | settings,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        _await_ready(master, log, workers)
        yield master.pid, f"http://127.0.0.1:{port}"
    finally:
        master.send_signal(signal.SIGTERM)
        master.wait()


def _await_ready(master: "subprocess.Popen[bytes]", log: Path, workers: int) -> None:
    deadline = monotonic() + LOAD_LIMIT_S
    while monotonic() < deadline and master.poll() is None:
        events = list(_events(log))
        failed = [event for event in events if event["event"] == "model_failed"]
        if failed:
            raise InvalidModel(f"the service cannot load it: {failed[0]['reason']}")
        if sum(event["event"] == "model_ready" for event in events) >= workers:
            return
        sleep(LOOK_S)
    raise InvalidModel(f"the service did not start: {log.read_text()[-500:]}")


def _weights(log: Path) -> str:
    """What the service told of the model's weights: all workers map them, or why not."""
    told = next(event for event in _events(log) if event["event"] == "model_ready")
    return ": ".join(told[key] for key in ("weights", "why") if key in told)


def _events(log: Path) -> Iterator[dict[str, str]]:
    for line in log.read_text("utf-8").splitlines(keepends=True):
        if line.startswith("{") and line.endswith("}\n"):
            yield json.loads(line)


def _ask(url: str, body: bytes, media_type: str) -> None:
    asked = Request(url, body, {"Content-Type": media_type})  # noqa: S310  # our own service
    try:
        with urlopen(asked) as answer:  # noqa: S310
            answer.read()
    except URLError as error:
        raise InvalidModel(f"the service does not answer the example: {error}") from None


def _share_mb(process: psutil.Process) -> float:
    taken = process.memory_full_info()
    return float(getattr(taken, "pss", taken.uss) / (1 << 20))


def _private_mb(process: psutil.Process) -> float:
    """What memory_mb limits: RLIMIT_DATA counts private writable memory, touched or not."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return float(process.memory_full_info().uss / (1 << 20))
    return int(status.partition("\nVmData:")[2].split()[0]) / 1024
