"""Clients that send one request after another and keep account of what became of each."""

import threading
import time
from dataclasses import dataclass, field

from tests.live.wire import Wire

IRIS = "/models/iris/predict?sepal_length=5.1&sepal_width=3.5&petal_length=1.4&petal_width=0.2"


@dataclass
class Account:
    """What closed-loop clients saw."""

    answered: int = 0
    refused_connections: int = 0
    lost: list[str] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)


class Clients:
    """*count* closed-loop clients on kept connections; use as a context manager."""

    def __init__(self, port, count=32, path="/?msg=Hello"):
        self.account = Account()
        self._port = port
        self._path = path
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run) for _ in range(count)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _run(self):
        while not self._stop.is_set():
            try:
                wire = Wire(self._port)
            except (ConnectionRefusedError, FileNotFoundError):
                self._add(refused_connections=1)
                time.sleep(0.02)
                continue
            with wire:
                self._converse(wire)

    def _converse(self, wire):
        """Send and await on one connection until one side has had enough."""
        while not self._stop.is_set():
            try:
                answer = wire.get(self._path).answer()
            except (OSError, EOFError) as error:
                with self._lock:
                    self.account.lost.append(repr(error))
                return
            self._add(answered=1)
            self.account.statuses.add(answer.status)
            if answer.fields.get("connection") == "close":
                return

    def _add(self, answered=0, refused_connections=0):
        with self._lock:
            self.account.answered += answered
            self.account.refused_connections += refused_connections
