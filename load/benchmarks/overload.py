"""
Twice the capacity, offered for 30 s: what is answered, and how fast the rest is refused.

The capacity is what 8 closed-loop connections get from two workers; then pictures arrive at twice
that rate at instants planned ahead (Poisson), each on a free connection of a large pool; latency
counts from the planned instant. The client shares the machine with the server.

    python -m load.benchmarks.overload [seconds]
"""

import http.client
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from load.benchmarks.servers import PROJECT, WEIR, serving

PORT = 8240
POOL = 300
PICTURE = (PROJECT / "config/models/cat-or-dog/example.jpg").read_bytes()
LOCAL = threading.local()


def post() -> int:
    """Post the picture on this thread's connection; the status of the answer."""
    if not hasattr(LOCAL, "client"):
        LOCAL.client = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    LOCAL.client.request(
        "POST", "/models/cat-or-dog/predict", PICTURE, {"Content-Type": "image/jpeg"}
    )
    answer = LOCAL.client.getresponse()
    answer.read()
    return answer.status


def capacity_rps(seconds: float) -> float:
    """What eight clients that never wait get answered, a second."""
    end = time.monotonic() + seconds

    def client(_: int) -> int:
        done = 0
        while time.monotonic() < end:
            done += post() == 200
        return done

    with ThreadPoolExecutor(8) as pool:
        return sum(pool.map(client, range(8))) / seconds


def offered(rate_rps: float, seconds: float) -> list[tuple[int, float]]:
    """Offer *rate_rps*; each answer's status and its seconds since the planned instant."""
    start, instants, at = time.perf_counter() + 0.5, [], 0.0
    while at < seconds:
        instants.append(start + at)
        at += random.expovariate(rate_rps)

    def arrive(planned: float) -> tuple[int, float]:
        return post(), time.perf_counter() - planned

    with ThreadPoolExecutor(POOL) as pool:
        futures = []
        for planned in instants:
            time.sleep(max(0, planned - time.perf_counter()))
            futures.append(pool.submit(arrive, planned))
        return [future.result() for future in futures]


def p99_ms(took_s: list[float]) -> float:
    """The 99th percentile in milliseconds."""
    return sorted(took_s)[int(len(took_s) * 0.99)] * 1000 if took_s else float("nan")


def main() -> None:
    """Measure the capacity, offer twice as much, print what became of it."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 30
    with serving(WEIR, PORT, cores="0,1", workers=2):
        capacity_rps(2)
        capacity = capacity_rps(10)
        outcomes = offered(2 * capacity, seconds)
    accepted = [took for status, took in outcomes if status == 200]
    refused = [took for status, took in outcomes if status == 503]
    print(f"capacity {capacity:.0f}/s, offered {len(outcomes) / seconds:.0f}/s for {seconds:.0f} s")
    print(
        f"answered {len(accepted) / seconds:.0f}/s = {len(accepted) / seconds / capacity:.2f} of "
        f"the capacity, p99 {p99_ms(accepted):.0f} ms"
    )
    print(
        f"refused {len(refused) / seconds:.0f}/s, p99 {p99_ms(refused):.1f} ms; "
        f"others {len(outcomes) - len(accepted) - len(refused)}"
    )


if __name__ == "__main__":
    main()
