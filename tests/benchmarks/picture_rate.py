"""
Pictures a second on one core: over HTTP, beside the same decode-and-infer loop called in Python.

The server (one worker, one inference thread) and the loop run in turn on one core, the client on
the other. Only the ratio of one run means anything: machines drift.

    python -m tests.benchmarks.picture_rate [rounds] [seconds]
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

from load.benchmarks.servers import PROJECT, WEIR, serving
from service.inference.manifest.reading import read_manifest
from service.inference.runtimes import open_runtime
from service.inference.signature.signature import build_signature

FOLDER = PROJECT / "config/models/cat-or-dog"
PORT = 8210
CONNECTIONS = 4
SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "image/jpeg"
local file = io.open("{}", "rb")
wrk.body = file:read("*a")
"""


def over_http(seconds: int) -> float:
    """Pictures a second that wrk gets answered."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(SCRIPT.format(FOLDER / "example.jpg"))
        script.flush()
        said = subprocess.run(
            ["taskset", "-c", "1", "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s",
             script.name, f"http://127.0.0.1:{PORT}/models/cat-or-dog/predict"],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(said)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])


def in_python(seconds: int) -> float:
    """Pictures a second in a plain loop on the server's core."""
    os.sched_setaffinity(0, {0})
    manifest = read_manifest(FOLDER)
    runtime = open_runtime(manifest.platform, manifest.artefact, manifest.options)
    signature = build_signature(manifest, runtime.inputs, runtime.outputs, 25_000_000)
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        signature.answers(runtime.predict(signature.golden().inputs))
        done += 1
    return done / (time.perf_counter() - start)


def main() -> None:
    """Measure both in turn and print the medians and the paired ratio."""
    rounds, seconds = (int(word) for word in (sys.argv[1:] + ["5", "5"][len(sys.argv) - 1 :]))
    pairs = []
    with serving(WEIR, PORT):
        for turn in range(rounds + 1):
            pair = over_http(seconds), in_python(seconds)
            if turn:  # the first is a warm-up
                pairs.append(pair)
    http, loop = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratios = [one / other for one, other in pairs]
    print(
        f"over HTTP {http:.1f}/s, in Python {loop:.1f}/s on one core; ratio: median "
        f"{statistics.median(ratios):.3f} (min {min(ratios):.3f}, max {max(ratios):.3f}, "
        f"{len(ratios)} pairs)"
    )


if __name__ == "__main__":
    main()
