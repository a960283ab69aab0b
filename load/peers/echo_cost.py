"""
CPU of one echo request: Weir with everything on, beside the tutorial's bare echo.

Both run one gevent worker, the tutorial's under stock Gunicorn. wrk drives them in turn, the
server on one core and wrk on the other; a server's CPU is its processes' user and system time
over the requests that wrk counts. Only ratios of one run mean anything: machines drift.

    python load/peers/echo_cost.py [rounds] [seconds]
"""

import os
import re
import statistics
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from servers import WEIR, serving

CONNECTIONS = 32
CLIENT_CORE = "1"
TICKS_PER_S = os.sysconf("SC_CLK_TCK")

COMMANDS = {
    "weir": WEIR,
    "tutorial": "gunicorn --worker-class gevent --bind 127.0.0.1:{port} "
    "--chdir load/peers tutorial_echo:app",
}


def cpu_s(master: int) -> float:
    """User and system time of *master* and its workers so far."""
    workers = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return sum(_process_cpu_s(pid) for pid in [str(master), *workers])


def _process_cpu_s(pid: str) -> float:
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / TICKS_PER_S


def measure(master: int, port: int, seconds: int) -> tuple[float, float, float]:
    """One wrk run: CPU µs a request, requests a second, p99 in ms."""
    before = cpu_s(master)
    said = subprocess.run(
        ["taskset", "-c", CLIENT_CORE, "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s",
         "--timeout", "20s", "--latency", f"http://127.0.0.1:{port}/?msg=Hello"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    used = cpu_s(master) - before
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(said)
    requests = int(re.search(r"(\d+) requests in", said)[1])
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", said).groups()
    p99_ms = float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
    return used / requests * 1e6, rate, p99_ms


def main() -> None:
    """Measure both in turn and print the medians and the paired ratio."""
    rounds, seconds = (int(word) for word in (sys.argv[1:] + ["7", "4"][len(sys.argv) - 1 :]))
    rows = {name: [] for name in COMMANDS}
    with ExitStack() as stack:
        ports = {name: 8200 + index for index, name in enumerate(COMMANDS)}
        masters = {
            name: stack.enter_context(serving(command, ports[name]))
            for name, command in COMMANDS.items()
        }
        for turn in range(rounds + 1):
            for name in COMMANDS:
                row = measure(masters[name], ports[name], seconds)
                if turn:  # the first is a warm-up
                    rows[name].append(row)
    for name, measured in rows.items():
        cpu_us, rate, p99_ms = (statistics.median(column) for column in zip(*measured, strict=True))
        print(f"{name:10} {cpu_us:7.1f} µs CPU/request  {rate:7.0f}/s  p99 {p99_ms:7.2f} ms")
    ratios = [
        ours[0] / theirs[0] for ours, theirs in zip(rows["weir"], rows["tutorial"], strict=True)
    ]
    print(
        f"CPU ratio weir / tutorial: median {statistics.median(ratios):.3f} "
        f"(min {min(ratios):.3f}, max {max(ratios):.3f}, {len(ratios)} pairs)"
    )


if __name__ == "__main__":
    main()
