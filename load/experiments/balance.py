"""
How kept connections spread over the workers, and how soon a new one is answered.

`python -m load.experiments.balance` starts instances of 2, 4 and 8 workers, opens connections as
browsers and proxies do, one after the other, and counts which worker holds which. Then it asks on a
new connection a hundred times. The same again with a worker that is stopped (SIGSTOP), and with one
that is replaced while connections are opened. `--project` starts another checkout, to compare.
"""

import argparse
import os
import signal
import socket
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from load import arguments
from load.benchmarks.servers import PROJECT, WEIR, serving

PORT = 8250
REQUEST = b"GET /?msg=Hello HTTP/1.1\r\nHost: localhost\r\n\r\n"
OPENINGS = ((16, 0.2), (32, 0.02))
ASKED, ASKED_EVERY_S = 100, 0.01
TIMEOUT_S = 30


def main() -> None:
    """Measure and print a table for each number of workers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=arguments.whole, nargs="+", default=[2, 4, 8])
    parser.add_argument("--project", type=Path, default=PROJECT)
    args = parser.parse_args()
    for workers in args.workers:
        with serving(WEIR, PORT, cores="0,1", workers=workers, project=args.project) as master:
            await_workers(master, workers)
            print(f"\n{workers} workers")
            measure(master)


def measure(master: int) -> None:
    """All rows for one instance."""
    for connections, every_s in OPENINGS:
        print_spread(master, connections, every_s)
    print_first_answers("all serve")
    with stopped(psutil.Process(master).children()[0]):
        print_first_answers("one is stopped")
        print_spread(master, *OPENINGS[1], note=", one is stopped")
    time.sleep(1)  # until it beats again
    replaced = psutil.Process(master).children()[0].pid
    print_spread(master, *OPENINGS[0], note=", one is replaced", replaced=replaced)


def print_spread(
    master: int, connections: int, every_s: float, *, note: str = "", replaced: int = 0
) -> None:
    """Open *connections*, one each *every_s*, and print how many each worker holds."""
    with ExitStack() as stack:
        failed = 0
        for opened in range(connections):
            client = stack.enter_context(connect())
            failed += not ask(client)
            if replaced and opened == connections // 4:
                os.kill(replaced, signal.SIGTERM)
            time.sleep(every_s)
        spread = " / ".join(map(str, held(master)))
        lost = f", {failed} not answered" if failed else ""
    print(f"  {connections} opened {every_s * 1000:.0f} ms apart{note}: {spread}{lost}")
    time.sleep(0.5)  # until their ends have been noticed


def print_first_answers(note: str) -> None:
    """Ask on new connections, one after the other, and print how soon they were answered."""
    times_ms = []
    for _ in range(ASKED):
        started = time.perf_counter()
        with connect() as client:
            ask(client)
            times_ms.append((time.perf_counter() - started) * 1000)
        time.sleep(ASKED_EVERY_S)
    p50, worst = statistics.median(times_ms), max(times_ms)
    print(f"  first answer, {note}: p50 {p50:.1f} ms, worst of {ASKED} {worst:.1f} ms")


def connect() -> socket.socket:
    """A connection to the service."""
    return socket.create_connection(("127.0.0.1", PORT), TIMEOUT_S)


def ask(client: socket.socket) -> bool:
    """Whether a request on the connection is answered."""
    client.sendall(REQUEST)
    return client.recv(1 << 16).startswith(b"HTTP/1.1 200")


def held(master: int) -> list[int]:
    """How many connections each worker holds, the most first."""
    counts = Counter({child.pid: 0 for child in psutil.Process(master).children()})
    for child in psutil.Process(master).children():
        connections = child.net_connections("tcp")
        counts[child.pid] = sum(each.status == psutil.CONN_ESTABLISHED for each in connections)
    return sorted(counts.values(), reverse=True)


def await_workers(master: int, workers: int) -> None:
    """Return when each worker listens and its models have loaded."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        children = psutil.Process(master).children()
        busy = [child for child in children if child.cpu_percent(0.2) > 5]
        if len(children) == workers and not busy:
            return
    sys.exit(f"{workers} workers were not ready after {TIMEOUT_S} s")


@contextmanager
def stopped(worker: psutil.Process) -> Iterator[None]:
    """Stop *worker* for as long as the block lasts."""
    worker.suspend()
    try:
        yield
    finally:
        worker.resume()


if __name__ == "__main__":
    main()
