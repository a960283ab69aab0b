"""A client that says exactly what it is told to, and tells exactly what came back."""

import json
import socket
from contextlib import suppress
from dataclasses import dataclass


@dataclass
class Answer:
    status: int
    fields: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


class Wire:
    """A connection to a port, or to a Unix socket's path. Reads answers one by one."""

    def __init__(self, port, timeout=20):
        if isinstance(port, int):
            self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            try:
                self.socket.connect(port)
            except OSError:
                self.socket.close()
                raise
        self.received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)
        return self

    def get(self, path="/", *fields):
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", *fields]
        return self.send("\r\n".join([*lines, "", ""]).encode())

    def answer(self, *, has_body=True):
        """The next answer; EOFError if the connection ends before it."""
        while b"\r\n\r\n" not in self.received:
            self._receive()
        head, _, self.received = self.received.partition(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = int(fields["content-length"]) if has_body else 0
        while len(self.received) < length:
            self._receive()
        body, self.received = self.received[:length], self.received[length:]
        return Answer(int(status_line.split()[1]), fields, body)

    def rest(self):
        """What still comes until the server ends the connection."""
        with suppress(ConnectionResetError, EOFError):
            while True:
                self._receive()
        return self.received

    def is_open(self):
        """Whether the server answers one request more."""
        with suppress(OSError, EOFError):
            return self.get("/healthz").answer().status == 200
        return False

    def _receive(self):
        block = self.socket.recv(1 << 16)
        if not block:
            raise EOFError
        self.received += block
