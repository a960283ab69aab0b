"""
What hostile requests at full speed cost the others: /healthz and an echo beside each shape.

Two workers, four attackers (the threads of one process) that each send one shape again and again,
or without an end, on one connection after another; a probe 20 times a second on new connections,
whose latency counts from the planned instant; two closed-loop echoes. Attackers and probe share
the machine with the server, so the figures are upper bounds.

    python -m load.benchmarks.hostile [seconds] [shape]
"""

import http.client
import multiprocessing
import socket
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from load.benchmarks.probe_latency import probe
from load.benchmarks.servers import WEIR, serving

PORT = 8260
ATTACKERS = 4
PROBES_PER_S = 20
MB = 1 << 20
JSON = "Content-Type: application/json"
FORM = "Content-Type: application/x-www-form-urlencoded"
MULTIPART = "Content-Type: multipart/form-data; boundary=B"
CHUNKED = "Transfer-Encoding: chunked"
PART = b'--B\r\nContent-Disposition: form-data; name="image"; filename="x"'


def post(path: str, *fields: str, body: bytes = b"", announced: bool = True) -> bytes:
    """A whole request."""
    length = [f"Content-Length: {len(body)}"] if announced else []
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", *fields, *length, "", ""]
    return "\r\n".join(lines).encode() + body


def head(*fields: str) -> bytes:
    """A head of the given fields."""
    return "\r\n".join(["GET / HTTP/1.1", "Host: localhost", *fields, "", ""]).encode()


def echo(body: bytes) -> bytes:
    """An echo of JSON."""
    return post("/", JSON, body=body)


# name: what is sent (whole requests, again and again), or begun and then a piece without an end.
WHOLE = {
    "small lists": lambda: echo(b'{"msg": [' + b",".join([b"[]"] * 3_400_000) + b"]}"),
    "members": lambda: echo(b"{" + b",".join(b'"k%06d":1' % n for n in range(850_000)) + b"}"),
    "floats": lambda: echo(b'{"msg": [' + b",".join([b"0.12345"] * 990_000) + b"]}"),
    "digits, one of 19": lambda: echo(b'{"msg": [1234567890123456789' + b",1" * 900_000 + b"]}"),
    "a long string": lambda: echo(b'{"msg": "' + b"x" * (10 * MB - 20) + b'"}'),
    "escapes": lambda: echo(b'{"msg": "' + b"\\u0001" * (10 * MB // 6 - 10) + b'"}'),
    "form a=%ff": lambda: post("/", FORM, body=b"msg=" + b"%ff" * (10 * MB // 3 - 10)),
    "form a&a&a": lambda: post("/", FORM, body=b"a&" * (5 * MB - 10)),
    "part heads": lambda: post(
        "/models/cat-or-dog/predict", MULTIPART,
        body=PART + b"\r\n" + b"X: y\r\n" * 1_500_000 + b"\r\n\r\n--B--\r\n"),
    "part parameters": lambda: post(
        "/models/cat-or-dog/predict", MULTIPART,
        body=PART + b'; a="b"' * 1_000_000 + b"\r\n\r\n\r\n--B--\r\n"),
    "near boundaries": lambda: post(
        "/models/cat-or-dog/predict", MULTIPART,
        body=PART + b"\r\n\r\n" + b"\r\n--BB" * 1_500_000 + b"\r\n--B--\r\n"),
    "rows of iris": lambda: post(
        "/models/iris/predict", JSON, body=b'{"rows": [' + b",".join([b"{}"] * 180_000) + b"]}"),
    "unknown names": lambda: post(
        "/models/iris/predict", JSON,
        body=b'{"rows": [' + b",".join([b'{"sepal_lenght":1}'] * 3_000) + b"]}"),
    "base64 of nothing": lambda: post(
        "/models/cat-or-dog/predict", JSON, body=b'{"image": "' + b"A" * (10 * MB - 40) + b'"}'),
    "pipelined echoes": lambda: b"GET /?msg=1 HTTP/1.1\r\nHost: a\r\n\r\n" * 20_000,
    "a hundred fields": lambda: head(*[f"X-{n}: {'x' * 200}" for n in range(97)]),
    "query a&a&a": lambda: b"GET /?" + b"a&" * 1900 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "scrapes": lambda: b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200,
    "bodies of 60 KB": lambda: echo(b'{"msg": [' + b",".join([b"[]"] * 20_000) + b"]}"),
}  # fmt: skip
ENDLESS = {
    "1-byte chunks": (post("/", JSON, CHUNKED, announced=False), b"1\r\na\r\n" * 2000),
    "chunk extensions": (
        post("/", JSON, CHUNKED, announced=False), b"1;a=" + b"b" * 200 + b"\r\na\r\n"),
    "one long extension": (post("/", JSON, CHUNKED, announced=False) + b"1;a=", b"b" * 8000),
    "a head without end": (b"GET / HTTP/1.1\r\nHost: localhost\r\n", b"X: y\r\n" * 100),
    "trailers": (post("/", JSON, CHUNKED, announced=False) + b"0\r\n", b"X: y\r\n" * 100),
    "a head byte by byte": (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 7000, b"x"),
    "connections": (b"", b""),
}  # fmt: skip
SHAPES = [*WHOLE, *ENDLESS]


def attack(shape: str, port: int, seconds: float, outcomes: multiprocessing.Queue) -> None:
    """Send *shape* as fast as the server takes it, from all attackers; tell what came back."""
    whole = WHOLE[shape]() if shape in WHOLE else b""
    with ThreadPoolExecutor(ATTACKERS) as pool:
        ends = [
            pool.submit(attack_alone, shape, whole, (port, f"127.0.0.{attacker + 2}"), seconds)
            for attacker in range(ATTACKERS)
        ]
        outcomes.put(sum((each.result() for each in ends), Counter()))


def attack_alone(shape: str, whole: bytes, way: tuple[int, str], seconds: float) -> Counter:
    """
    Attack on one connection after another; the statuses that came back.

    The *way* is a port and the attacker's own address: those that it has used up would otherwise be
    the probes' as well, and the kernel would search for one that is left.
    """
    statuses, end = Counter(), time.monotonic() + seconds
    server, source = ("127.0.0.1", way[0]), (way[1], 0)
    while time.monotonic() < end:
        with (
            suppress(OSError),
            socket.create_connection(server, timeout=5, source_address=source) as client,
        ):
            statuses[_whole(client, whole) if whole else _endless(client, shape, end)] += 1
    return statuses


def _whole(client: socket.socket, whole: bytes) -> str:
    """Send it, half-close, and read to the end; the first status."""
    with suppress(OSError):
        client.sendall(whole)
        client.shutdown(socket.SHUT_WR)
    return _status(client)


def _endless(client: socket.socket, shape: str, end: float) -> str:
    begun, piece = ENDLESS[shape]
    if not piece:
        return "closed"
    with suppress(OSError):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(begun)
        while time.monotonic() < end:
            client.sendall(piece)
    return _status(client)


def _status(client: socket.socket) -> str:
    received = b""
    with suppress(OSError):
        while block := client.recv(1 << 20):
            received = received or block
    return received[9:12].decode() or "none"


def echo_for(port: int, seconds: float) -> int:
    """Echo on one kept connection; how many were answered."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    end, done = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        client.request("GET", "/?msg=Hello")
        done += client.getresponse().read() == b'{"response":"Hello","success":true}'
    client.close()
    return done


def measure(port: int, shape: str, seconds: float) -> tuple[list[float], int, Counter]:
    """Attack with *shape*; the probes' milliseconds in order, the echoes, the attackers' ends."""
    outcomes: multiprocessing.Queue = multiprocessing.Queue()
    attacker = multiprocessing.Process(target=attack, args=(shape, port, seconds, outcomes))
    if shape:
        attacker.start()
    start = time.perf_counter() + 0.5
    planned = [start + number / PROBES_PER_S for number in range(int(seconds * PROBES_PER_S) - 10)]
    with ThreadPoolExecutor(34) as pool:
        echoes = [pool.submit(echo_for, port, seconds) for _ in range(2)]
        took_ms = sorted(pool.map(lambda at: 1000 * probe(port, at), planned))
        echoed = sum(each.result() for each in echoes)
    ends = outcomes.get(timeout=60) if shape else Counter()
    if shape:
        attacker.join(30)
    return took_ms, echoed, ends


def main() -> None:
    """Print a row for each shape."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5
    shapes = sys.argv[2:] or ["", *SHAPES]
    with serving(WEIR, PORT, cores="0,1", workers=2):
        for shape in shapes:
            took_ms, echoed, ends = measure(PORT, shape, seconds)
            p50, p99 = (took_ms[int(len(took_ms) * share)] for share in (0.5, 0.99))
            print(
                f"{shape or 'nothing':22} p50 {p50:6.1f} ms  p99 {p99:6.1f} ms  "
                f"max {took_ms[-1]:6.1f} ms  {echoed / seconds:6.0f} echoes/s  {dict(ends)}",
                flush=True,
            )


if __name__ == "__main__":
    main()
