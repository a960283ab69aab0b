"""wrk, which asks as fast as it is answered (https://github.com/wg/wrk), and what it printed."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

REQUESTS = re.compile(r"(\d+) requests in")
RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
PERCENTILE = r"{}%\s+([\d.]+)(us|ms|s)\b"
MS_PER = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True)
class WrkResult:
    """What one run measured; latencies from sending, which hides what was never sent."""

    requests: int
    rate_rps: float
    p50_ms: float
    p99_ms: float


def run(
    url: str, *, connections: int, seconds: float, core: str = "1", options: Sequence[str] = ()
) -> WrkResult:
    """Ask *url* for so long. Raises RuntimeError with wrk's words if anything failed."""
    command = [
        "taskset", "-c", core, "wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s",
        "--timeout", "20s", "--latency", *options, url,
    ]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, check=False, text=True)
    said = ended.stdout
    if ended.returncode or "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(said + ended.stderr)
    return WrkResult(
        requests=int(_found(REQUESTS, said)[1]),
        rate_rps=float(_found(RATE, said)[1]),
        p50_ms=_latency_ms(said, 50),
        p99_ms=_latency_ms(said, 99),
    )


def _latency_ms(said: str, percent: int) -> float:
    found = _found(re.compile(PERCENTILE.format(percent)), said)
    return float(found[1]) * MS_PER[found[2]]


def _found(pattern: re.Pattern[str], said: str) -> re.Match[str]:
    found = pattern.search(said)
    if not found:
        raise RuntimeError(f"wrk printed no {pattern.pattern}: {said}")
    return found
