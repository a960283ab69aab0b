"""Three instances behind a proxy, and a load of which every request's outcome is kept."""

import itertools
import json
import os
import signal
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from tests.conftest import CAT, eventually
from tests.live.instance import AtSocket, Instance
from tests.live.proxies import behind
from tests.live.test_handover import is_alive
from tests.live.wire import Wire

SIZE = 3
FLOWER = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}


def message(method, path, body=b"", media_type="application/json"):
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


# One in a hundred is a picture, one in ten a flower; of the echoes half are POST, which no proxy
# sends again.
ECHO_GET = message("GET", "/?msg=Hello")
ECHO_POST = message("POST", "/", b'{"msg": "Hello"}')
FLOWER_POST = message("POST", "/models/iris/predict", json.dumps(FLOWER).encode())
PICTURE_POST = message("POST", "/models/cat-or-dog/predict", CAT.read_bytes(), "image/jpeg")


def request_of(number):
    if number % 100 == 0:
        return PICTURE_POST
    if number % 10 == 1:
        return FLOWER_POST
    return ECHO_GET if number % 2 else ECHO_POST


class Lost(NamedTuple):
    """A request that had no answer, or another than 200: why, and from when to when."""

    reason: str
    method: str
    began_s: float
    ended_s: float


class Load:
    """*count* closed-loop clients on kept connections to *port*; use as a context manager."""

    def __init__(self, port, count=16):
        self.count = count
        self.lost = []
        self._port = port
        self._answered = [0] * count
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(client,)) for client in range(count)
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self._threads)

    @property
    def answered(self):
        return sum(self._answered)

    def _run(self, client):
        while not self._stop.is_set():
            with Wire(self._port, timeout=60) as wire:
                while not self._stop.is_set() and self._ask(wire, client):
                    pass

    def _ask(self, wire, client):
        """Whether the connection can be asked again."""
        request = request_of(next(self._numbers))
        began_s = time.monotonic()
        try:
            answer = wire.send(request).answer()
        except (OSError, EOFError) as error:
            self._lose(repr(error), request, began_s)
            return False
        if answer.status == 200:
            self._answered[client] += 1
        else:
            self._lose(f"{answer.status} {answer.body[:80]!r}", request, began_s)
        return answer.fields.get("connection") != "close"

    def _lose(self, reason, request, began_s):
        method = request.partition(b" ")[0].decode()
        self.lost.append(Lost(reason, method, began_s, time.monotonic()))


def address_of(instance, kind):
    """Where it is, as the configurations of *kind* write it."""
    if isinstance(instance, AtSocket):
        return {"haproxy": "unix@", "nginx": "unix:"}[kind] + instance.path
    return f"127.0.0.1:{instance.port}"


class Fleet:
    """SIZE instances, on ports or *at_sockets*, behind the proxy *kind*; a context manager."""

    def __init__(self, folder, kind, *, at_sockets=False):
        self._folder = folder
        self.kind = kind
        self._at_sockets = at_sockets
        self._stack = ExitStack()

    def __enter__(self):
        with ExitStack() as stack:
            started = [self._instance(number) for number in range(SIZE)]
            self.instances = [stack.enter_context(instance) for instance in started]
            addresses = [address_of(instance, self.kind) for instance in self.instances]
            self.proxy = stack.enter_context(behind(self.kind, self._folder, addresses))
            self._stack = stack.pop_all()
        return self

    def _instance(self, number, **variables):
        place = self._folder / str(number)
        place.mkdir(exist_ok=True)
        return (AtSocket if self._at_sockets else Instance)(place, **variables)

    def __exit__(self, *ended):
        self._stack.__exit__(*ended)

    def start_again(self, number):
        """Start another instance at the address of one that has ended, and have it asked."""
        again = self._instance(number, PORT=str(self.instances[number].port))
        fresh = self.instances[number] = self._stack.enter_context(again)
        eventually(lambda: fresh.metric("http_requests_total", route="/") > 0, within_s=40)

    def kill(self, number):
        """
        Kill every process of an instance; from when to when that was.

        The master first: as long as anybody holds the listener, the kernel lets clients in.
        """
        instance = self.instances[number]
        workers = instance.workers()
        began_s = time.monotonic()
        instance.process.kill()
        instance.process.wait(20)
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        while any(has_threads(pid) for pid in workers):
            time.sleep(0.001)
        return began_s, time.monotonic()


def has_threads(pid):
    """Whether there is more of it than its first thread, dead: the last takes the sockets along."""
    try:
        return is_alive(pid) or len([*Path(f"/proc/{pid}/task").iterdir()]) > 1
    except (FileNotFoundError, ProcessLookupError):
        return False
