"""
CPU and tail of one echo request: Weir's beside others', one worker each.

    echo     Weir with everything on     the tutorial's bare echo, stock Gunicorn gevent worker
    raw      Weir's worker alone         the stock gevent worker, both with an app that does nothing
    fastapi  Weir with everything on     FastAPI and Uvicorn with the same duties

wrk drives the two of a pair in turn, the server on one core and wrk on the other; a server's CPU
is its processes' user and system time over the requests that wrk counts. Only ratios of one run
mean anything: machines drift.

    python -m load.peers.echo_cost [pair] [rounds] [seconds]

The fastapi pair wants an environment of its own, made from load/peers/requirements.txt, and its
`uvicorn` on the PATH.
"""

import statistics
import sys
from contextlib import ExitStack

import psutil

from load.benchmarks import wrk
from load.benchmarks.servers import WEIR, serving

CONNECTIONS = 32
CLIENT_CORE = "1"
Figures = tuple[float, float, float]  # CPU µs a request, requests a second, p99 in ms
# Without the file, Gunicorn would read the gunicorn.conf.py of the folder that it is started in.
STOCK = "gunicorn --config /dev/null --worker-class gevent --bind 127.0.0.1:{port} "

PAIRS = {
    "echo": {"weir": WEIR, "tutorial": STOCK + "load.peers.apps.tutorial_echo:app"},
    "raw": {
        "weir": "gunicorn --config gunicorn.conf.py load.peers.apps.raw_app:app",
        "stock": STOCK + "load.peers.apps.raw_app:app",
    },
    "fastapi": {
        "weir": WEIR,
        "fastapi": "uvicorn load.peers.apps.fastapi_echo:app --port {port} --no-access-log",
    },
}


def cpu_s(master: int) -> float:
    """User and system time of *master* and every process below it so far."""
    server = psutil.Process(master)
    times = [each.cpu_times() for each in (server, *server.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def measure(master: int, url: str, seconds: int, *options: str) -> Figures:
    """One wrk run, with *options*."""
    before = cpu_s(master)
    asked = wrk.run(
        url, connections=CONNECTIONS, seconds=seconds, core=CLIENT_CORE, options=options
    )
    used = cpu_s(master) - before
    return used / asked.requests * 1e6, asked.rate_rps, asked.p99_ms


def print_medians(rows: dict[str, list[Figures]]) -> None:
    """A line for each server."""
    for name, measured in rows.items():
        cpu_us, rate, p99_ms = (statistics.median(column) for column in zip(*measured, strict=True))
        print(f"{name:18} {cpu_us:7.1f} µs CPU/request  {rate:7.0f}/s  p99 {p99_ms:8.2f} ms")


def ratio(ours: list[Figures], theirs: list[Figures], column: int) -> str:
    """Ours over theirs in one column, measured in turn: median, extremes, number of pairs."""
    ratios = [mine[column] / other[column] for mine, other in zip(ours, theirs, strict=True)]
    return (
        f"median {statistics.median(ratios):.3f} "
        f"(min {min(ratios):.3f}, max {max(ratios):.3f}, {len(ratios)} pairs)"
    )


def main() -> None:
    """Measure a pair in turn and print the medians and the paired ratios."""
    pair, rounds, seconds = (*sys.argv[1:], *("echo", "7", "4")[len(sys.argv) - 1 :])
    commands = PAIRS[pair]
    rows = {name: [] for name in commands}
    with ExitStack() as stack:
        ports = {name: 8200 + index for index, name in enumerate(commands)}
        masters = {
            name: stack.enter_context(serving(command, ports[name]))
            for name, command in commands.items()
        }
        for turn in range(int(rounds) + 1):
            for name in commands:
                url = f"http://127.0.0.1:{ports[name]}/?msg=Hello"
                row = measure(masters[name], url, int(seconds))
                if turn:  # the first is a warm-up
                    rows[name].append(row)
    print_medians(rows)
    ours, theirs = rows.values()
    print("CPU ratio:", ratio(ours, theirs, 0))
    print("p99 ratio:", ratio(ours, theirs, 2))


if __name__ == "__main__":
    main()
