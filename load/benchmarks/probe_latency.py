"""
How long /healthz takes while every core predicts: an open-loop probe, 20 a second.

Two workers, 32 closed-loop connections that post pictures, or with `python` rows to a model that
computes in pure Python, and a probe at fixed instants on connections of its own; its latency
counts from the instant that was planned, not from when it could be sent. The client shares the
machine, so the figure is an upper bound.

    python -m load.benchmarks.probe_latency [seconds] [python]
"""

import http.client
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from load.benchmarks.servers import PROJECT, WEIR, serving

PORT = 8220
CONNECTIONS = 32
PROBES_PER_S = 20
PICTURE = (PROJECT / "config/models/cat-or-dog/example.jpg").read_bytes()
PICTURES = "/models/cat-or-dog/predict", PICTURE, {"Content-Type": "image/jpeg"}
ROWS = "/models/busy/predict", b'{"x": 1}', {"Content-Type": "application/json"}
BUSY = """
class Busy:
    def load(self): pass
    def predict(self, batch):
        for x in batch["x"]:
            sum(number * x for number in range(100_000))
        return {"y": batch["x"]}
"""


def predict_until(stop: threading.Event, request: tuple) -> Counter:
    """Send the request again and again on one connection; counts the statuses."""
    client = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    statuses = Counter()
    while not stop.is_set():
        client.request("POST", *request)
        answer = client.getresponse()
        answer.read()
        statuses[answer.status] += 1
    return statuses


def probe(port: int, planned: float) -> float:
    """Seconds from the planned instant to the end of the answer."""
    time.sleep(max(0, planned - time.perf_counter()))
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    client.request("GET", "/healthz")
    if client.getresponse().read() != b'{"success":true,"status":"alive"}':
        raise RuntimeError("the probe was not answered as it should be")
    client.close()
    return time.perf_counter() - planned


def write_busy(repository: Path) -> None:
    """Write the folder of a model that computes in pure Python."""
    folder = repository / "busy"
    folder.mkdir()
    (folder / "model.py").write_text(BUSY)
    (folder / "model.toml").write_text('platform = "python"\nfile = "model.py"\n[input.x]\n')


def main() -> None:
    """Load, probe, and print what the probes took."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    if "python" not in sys.argv:
        measure(seconds, PICTURES)
        return
    with tempfile.TemporaryDirectory() as repository:
        write_busy(Path(repository))
        os.environ["WEIR_MODELS"] = repository
        measure(seconds, ROWS)


def measure(seconds: int, request: tuple) -> None:
    """Measure with *request* as the load."""
    stop = threading.Event()
    with serving(WEIR, PORT, cores="0,1", workers=2), ThreadPoolExecutor(CONNECTIONS + 16) as pool:
        load = [pool.submit(predict_until, stop, request) for _ in range(CONNECTIONS)]
        time.sleep(2)
        start = time.perf_counter()
        planned = [start + number / PROBES_PER_S for number in range(seconds * PROBES_PER_S)]
        with ThreadPoolExecutor(16) as probers:
            took_ms = sorted(took * 1000 for took in probers.map(partial(probe, PORT), planned))
        stop.set()
        statuses = sum((one.result() for one in load), Counter())
    p50, p99 = (took_ms[int(len(took_ms) * share)] for share in (0.5, 0.99))
    print(
        f"{len(took_ms)} probes while {sum(statuses.values()) / (seconds + 2):.0f} answers/s: "
        f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, max {took_ms[-1]:.1f} ms; statuses {dict(statuses)}"
    )


if __name__ == "__main__":
    main()
