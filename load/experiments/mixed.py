"""
Who is kept waiting when kept connections and newcomers, slow requests and fast ones come together.

`python -m load.experiments.mixed` drives four workers whose slow requests wait behind two slots
each, and prints the times of newcomers and of kept connections. `--project` starts another
checkout: so rules that choose a worker for a newcomer (`service/wire/share.py`) are compared.
"""

import argparse
import os
import random
import statistics
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import gevent
from gevent import socket

from load import arguments
from load.benchmarks.servers import PROJECT, serving

PORT = 8260
COMMAND = "gunicorn --config gunicorn.conf.py load.rig.bench_app:app"
WORKERS, SLOTS, WAIT_MS = 4, 2, 100
SLOW, FAST = "/wait", "/"

# Newcomers a second; kept connections, with their mean pauses between requests and mean lives.
NEWCOMERS = {SLOW: 25.0, FAST: 20.0}
KEPT = {SLOW: (8, 0.2), FAST: (24, 1.0)}
LIFE_S = 4.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, default=PROJECT)
    parser.add_argument("--seconds", type=arguments.number, default=20.0)
    args = parser.parse_args()
    os.environ |= {"BENCH_WAIT_MS": str(WAIT_MS), "BENCH_SLOTS": str(SLOTS)}
    times_ms: dict[str, list[float]] = defaultdict(list)
    with serving(COMMAND, PORT, cores="0,1", workers=WORKERS, project=args.project):
        gevent.joinall(clients(times_ms, perf_counter() + args.seconds))
    for name, each in times_ms.items():
        cuts = statistics.quantiles(each, n=100)
        p50, p95, p99 = cuts[49], cuts[94], cuts[98]
        print(f"{name:16} {len(each):5} p50 {p50:6.1f}  p95 {p95:6.1f}  p99 {p99:6.1f} ms")


def clients(times_ms: dict[str, list[float]], until_s: float) -> list[gevent.Greenlet]:
    """All of them, begun; each notes its times under its name."""
    draw = random.Random(5)  # noqa: S311  # not for secrets
    begun = []
    for path, rate in NEWCOMERS.items():
        note = times_ms[f"newcomer {path}"].append
        begun.append(
            gevent.spawn(come, path, note, lambda rate=rate: draw.expovariate(rate), until_s)
        )
    for path, (count, pause_s) in KEPT.items():
        note = times_ms[f"kept {path}"].append
        begun += [gevent.spawn(stay, path, note, draw, pause_s, until_s) for _ in range(count)]
    return begun


def come(
    path: str, note: Callable[[float], None], pause_s: Callable[[], float], until_s: float
) -> None:
    """One newcomer after the other; none waits for another's answer."""
    begun = []
    while perf_counter() < until_s:
        gevent.sleep(pause_s())
        begun.append(gevent.spawn(visit, path, note))
    gevent.joinall(begun)


def visit(path: str, note: Callable[[float], None]) -> None:
    """Ask on a new connection."""
    started = perf_counter()
    with socket.create_connection(("127.0.0.1", PORT), 30) as client:
        ask(client, path)
        note((perf_counter() - started) * 1000)


def stay(
    path: str, note: Callable[[float], None], draw: random.Random, pause_s: float, until_s: float
) -> None:
    """Ask on a connection that is kept for a while, then on the next."""
    while perf_counter() < until_s:
        leaves_s = perf_counter() + draw.expovariate(1 / LIFE_S)
        with socket.create_connection(("127.0.0.1", PORT), 30) as client:
            while perf_counter() < min(leaves_s, until_s):
                gevent.sleep(draw.expovariate(1 / pause_s))
                started = perf_counter()
                ask(client, path)
                note((perf_counter() - started) * 1000)


def ask(client: socket.socket, path: str) -> None:
    """Send a request and wait for its answer. Raises AssertionError if that is no success."""
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    answer = client.recv(1 << 16)
    if not answer.startswith(b"HTTP/1.1 200"):
        raise AssertionError(answer)


if __name__ == "__main__":
    main()
