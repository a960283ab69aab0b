"""
What cat-or-dog takes in memory, in threads of the workers and in a process of its own.

Proportional set sizes of the whole instance, after every worker has answered pictures, with four
workers and with five.

    python -m load.benchmarks.model_memory
"""

import os
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil

from load.benchmarks.servers import PROJECT, WEIR, serving

PORT = 8240
FOLDER = PROJECT / "config/models/cat-or-dog"
REQUESTS = 200
HOST = "service.inference.execution.host"


def post(_: int) -> None:
    """Have one picture classified."""
    url = f"http://127.0.0.1:{PORT}/models/cat-or-dog/predict"
    picture = (FOLDER / "example.jpg").read_bytes()
    while True:
        try:
            urlopen(Request(url, picture, {"Content-Type": "image/jpeg"}), timeout=30).read()
        except HTTPError:
            time.sleep(0.1)  # the worker still loads
        else:
            return


def measure(execution: str, workers: int) -> float:
    """Start an instance, use it, and sum up its processes; prints each."""
    with tempfile.TemporaryDirectory() as repository:
        folder = shutil.copytree(FOLDER, Path(repository) / FOLDER.name)
        told = (folder / "model.toml").read_text()
        told = told.replace("[serve]", f'[serve]\nexecution = "{execution}"\nmemory_mb = 1024')
        (folder / "model.toml").write_text(told)
        os.environ["WEIR_MODELS"] = repository
        with serving(WEIR, PORT, cores="0,1", workers=workers) as master:
            with ThreadPoolExecutor(8) as clients:
                list(clients.map(post, range(REQUESTS)))
            sizes = {}
            gunicorn = psutil.Process(master)
            for process in (gunicorn, *gunicorn.children(recursive=True)):
                kind = "model" if HOST in " ".join(process.cmdline()) else "gunicorn"
                sizes[process.pid] = (kind, process.memory_full_info().pss / (1 << 20))
            told = ", ".join(f"{kind} {size:.0f}" for kind, size in sizes.values())
            total = sum(size for _, size in sizes.values())
            print(f"{execution}, {workers} workers: {total:.0f} MB ({told})")
            return total


def main() -> None:
    """Measure both executions with four workers and with five."""
    for execution in ("thread", "process"):
        four, five = measure(execution, 4), measure(execution, 5)
        print(f"{execution}: one more worker costs {five - four:.0f} MB")


if __name__ == "__main__":
    main()
