"""
How long /healthz takes while every core predicts: an open-loop probe, 20 a second.

Two workers, 32 closed-loop connections that post pictures, and a probe at fixed instants on
connections of its own; its latency counts from the instant that was planned, not from when it
could be sent. The client shares the machine, so the figure is an upper bound.

    python -m load.peers.probe_latency [seconds]
"""

import http.client
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from load.peers.servers import PROJECT, WEIR, serving

PORT = 8220
CONNECTIONS = 32
PROBES_PER_S = 20
PICTURE = (PROJECT / "config/models/cat-or-dog/example.jpg").read_bytes()


def predict_until(stop: threading.Event) -> Counter:
    """Post the picture again and again on one connection; counts the statuses."""
    client = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    statuses = Counter()
    while not stop.is_set():
        client.request(
            "POST", "/models/cat-or-dog/predict", PICTURE, {"Content-Type": "image/jpeg"}
        )
        answer = client.getresponse()
        answer.read()
        statuses[answer.status] += 1
    return statuses


def probe(planned: float) -> float:
    """Seconds from the planned instant to the end of the answer."""
    time.sleep(max(0, planned - time.perf_counter()))
    client = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    client.request("GET", "/healthz")
    if client.getresponse().read() != b'{"success":true,"status":"alive"}':
        raise RuntimeError("the probe was not answered as it should be")
    client.close()
    return time.perf_counter() - planned


def main() -> None:
    """Load, probe, and print what the probes took."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    stop = threading.Event()
    with serving(WEIR, PORT, cores="0,1", workers=2), ThreadPoolExecutor(CONNECTIONS + 16) as pool:
        load = [pool.submit(predict_until, stop) for _ in range(CONNECTIONS)]
        time.sleep(2)
        start = time.perf_counter()
        planned = [start + number / PROBES_PER_S for number in range(seconds * PROBES_PER_S)]
        with ThreadPoolExecutor(16) as probers:
            took_ms = sorted(took * 1000 for took in probers.map(probe, planned))
        stop.set()
        statuses = sum((one.result() for one in load), Counter())
    p50, p99 = (took_ms[int(len(took_ms) * share)] for share in (0.5, 0.99))
    print(
        f"{len(took_ms)} probes while {sum(statuses.values()) / (seconds + 2):.0f} pictures/s: "
        f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, max {took_ms[-1]:.1f} ms; statuses {dict(statuses)}"
    )


if __name__ == "__main__":
    main()
