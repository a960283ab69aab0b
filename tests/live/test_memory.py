"""In a container of 512 MB, whatever is sent, two workers stay within it and go on answering."""

import os
import socket
import threading
import time
from collections import Counter, defaultdict
from contextlib import suppress

import pytest
from PIL import Image

from tests.conftest import CAT, encoded
from tests.live.container import container
from tests.live.instance import Instance

pytestmark = pytest.mark.alone

MB = 1 << 20
LIMIT_BYTES = 512 * MB
SECONDS = float(os.environ.get("MEMORY_SECONDS", "6"))
SIDE = 5000


def post(path, media_type, body, announced=None):
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media_type}\r\n"
        f"Content-Length: {announced or len(body)}\r\n\r\n"
    ).encode() + body


def attacks():
    """What is sent, by how many, and whether its answer is read slowly."""
    text = b'{"msg": "' + b"x" * (10 * MB - 11) + b'"}'
    lists = b'{"msg": [' + b",".join([b"[]"] * 190_000) + b"]}"
    many = b'{"msg": [' + b",".join([b"[]"] * 3_400_000) + b"]}"
    predict = "/models/cat-or-dog/predict"
    webp = encoded(Image.new("RGB", (SIDE, SIDE)), "WEBP", lossless=True)
    rgba = encoded(Image.new("RGBA", (SIDE, SIDE), (1, 2, 3, 4)), "PNG")
    palette = encoded(Image.new("P", (SIDE, SIDE)), "PNG", transparency=0)
    yield post("/", "application/json", text[:-10], len(text)), 60, False
    yield post("/", "application/json", text), 20, True
    yield post("/", "application/json", lists), 4, False
    yield post("/", "application/json", many), 2, False
    yield post(predict, "image/webp", webp), 3, False
    yield post(predict, "image/png", rgba), 3, False
    yield post(predict, "image/png", palette), 3, False


def send_until(end, port, sent, statuses, *, slowly=False):
    """Send again and again, each time on a connection of its own."""
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
            if slowly:
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
            with suppress(OSError):
                wire.sendall(sent)
            received = wire.recv(4096)
            statuses[received[9:12]] += 1
            while slowly and time.monotonic() < end and wire.recv(4096):
                time.sleep(0.05)


@pytest.mark.skipif(
    os.geteuid() != 0 and os.environ.get("CI") != "true", reason="a memory cgroup wants root"
)
def test_memory_has_a_budget_that_no_mix_of_requests_exceeds(tmp_path):
    with (
        container(LIMIT_BYTES) as box,
        Instance(tmp_path, command=box.command(), WEB_CONCURRENCY="2") as instance,
    ):
        workers, end = instance.workers(), time.monotonic() + SECONDS
        statuses = defaultdict(Counter)
        senders = [
            threading.Thread(
                target=send_until,
                args=(end, instance.port, sent, statuses["hostile"]),
                kwargs={"slowly": slowly},
            )
            for sent, count, slowly in attacks()
            for _ in range(count)
        ]
        echo = b"GET /?msg=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
        picture = post("/models/cat-or-dog/predict", "image/jpeg", CAT.read_bytes())
        senders += [
            threading.Thread(target=send_until, args=(end, instance.port, sent, statuses[name]))
            for name, sent in (("echo", echo), ("picture", picture))
        ]
        for sender in senders:
            sender.start()
        most_bytes = 0
        while time.monotonic() < end:
            most_bytes = max(most_bytes, box.used_bytes())
            time.sleep(0.02)
        for sender in senders:
            sender.join()

        assert most_bytes < LIMIT_BYTES
        assert box.kills() == 0
        assert instance.workers() == workers
        assert set(statuses["echo"]) == {b"200"}
        assert statuses["picture"][b"200"] > statuses["picture"][b"503"]
        assert set(statuses["hostile"]) <= {b"200", b"408", b"413", b"503", b""}
        assert instance.metric("http_requests_shed_total", reason="memory") > 0
        assert not instance.lines(level="error")
