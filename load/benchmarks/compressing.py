"""
What compressing the service's answers costs and saves, by coding and level.

The answers are a running service's own, of predictions for random rows, and 10,000 random numbers
of 32 bits as V2 writes them. CPU is that of a thread; an
answer is compressed as often as fits half a second. `pays below` is the bandwidth of a client at
which the bytes that are saved would have taken as long as compressing them: where the client is
faster, the answer comes later compressed than as it is.

zstd and br are measured where the packages zstandard and brotli are installed.

    python -m load.benchmarks.compressing [port]
"""

import json
import random
import struct
import sys
import time
import urllib.request
import zlib
from contextlib import suppress

from load.benchmarks.servers import WEIR, serving

SECONDS = 0.5
HTML = {"Accept": "text/html"}
WIDEST = {"sepal_length": 8.0, "sepal_width": 5.0, "petal_length": 7.0, "petal_width": 2.5}


def flowers(count):
    """Rows of random numbers."""
    draw = random.Random(1)
    return [
        {name: round(draw.uniform(0.1, most), 1) for name, most in WIDEST.items()}
        for _ in range(count)
    ]


def predicted(count):
    return "/models/iris/predict", {"rows": flowers(count)}, {}


def inferred(count):
    data = [[*row.values()] for row in flowers(count)]
    rows = {"name": "rows", "datatype": "FP32", "shape": [count, 4], "data": data}
    return "/v2/models/iris/infer", {"inputs": [rows]}, {}


ANSWERS = {
    "predict, 1 row": predicted(1),
    "predict, 10 rows": predicted(10),
    "predict, 100 rows": predicted(100),
    "predict, 1000 rows": predicted(1000),
    "V2 JSON, 1000 rows": inferred(1000),
    "/models": ("/models", None, {}),
    "/models/iris": ("/models/iris", None, {}),
    "/metrics": ("/metrics", None, {}),
    "/openapi.json": ("/openapi.json", None, {}),
    "front page": ("/", None, HTML),
    "playground": ("/models/iris", None, HTML),
}


def gzip_at(level):
    def compress(body):
        made = zlib.compressobj(level, wbits=zlib.MAX_WBITS | 16)
        return made.compress(body) + made.flush()

    return compress


def codings():
    """What compresses, by its name."""
    found = {f"gzip {level}": gzip_at(level) for level in (1, 4, 6, 9)}
    with suppress(ImportError):
        import zstandard

        for level in (1, 3):
            found[f"zstd {level}"] = zstandard.ZstdCompressor(level=level).compress
    with suppress(ImportError):
        import brotli

        for level in (1, 4):
            found[f"br {level}"] = lambda body, level=level: brotli.compress(body, quality=level)
    return found


def fetched(port):
    """Every answer of ANSWERS by its name, and random numbers."""
    bodies = {}
    for name, (path, sent, fields) in ANSWERS.items():
        data = None if sent is None else json.dumps(sent).encode()
        sent_as = {"Content-Type": "application/json"} if data else {}
        asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, fields | sent_as)
        bodies[name] = urllib.request.urlopen(asked, timeout=30).read()
    numbers = [struct.unpack("f", struct.pack("f", random.random()))[0] for _ in range(10_000)]
    bodies["10,000 numbers"] = json.dumps(numbers, separators=(",", ":")).encode()
    return bodies


def cost_s(compress, body):
    """The CPU of one compression: the median of those that fit the time."""
    took, until = [], time.thread_time() + SECONDS
    while time.thread_time() < until:
        began = time.thread_time()
        compress(body)
        took.append(time.thread_time() - began)
    return sorted(took)[len(took) // 2]


def main():
    """Print a line for each answer and coding."""
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8290
    with serving(WEIR, port):
        bodies = fetched(port)
    print(f"{'answer':20} {'bytes':>8}  {'coding':8} {'left':>5} {'µs':>8} {'pays below':>14}")
    for name, body in bodies.items():
        for coding, compress in codings().items():
            saved, cpu_s = len(body) - len(compress(body)), cost_s(compress, body)
            left = f"{100 - 100 * saved / len(body):.0f} %"
            print(
                f"{name:20} {len(body):8}  {coding:8} {left:>5} {cpu_s * 1e6:8.0f} "
                f"{saved * 8 / cpu_s / 1e6:9.0f} Mbit/s"
            )


if __name__ == "__main__":
    main()
