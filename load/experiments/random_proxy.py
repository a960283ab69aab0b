"""
A loopback router like Heroku's: `python -m load.experiments.random_proxy PORT PORT …`.

Each request goes to one of the ports at random, whatever queues there. It says its own port, then
serves until its input ends. HTTP/1.1 with Content-Length only: that is what the harness sends and
what the service answers.
"""

import random
import socket
import sys
from collections import defaultdict
from typing import IO

from gevent import socket as waiting
from gevent.os import tp_read
from gevent.server import StreamServer

Stream = IO[bytes]
HOST = "127.0.0.1"
UNAVAILABLE = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"


class Router:
    """Forwards requests, over connections that it keeps."""

    def __init__(self, ports: list[int]) -> None:
        self._ports = ports
        self._idle: dict[int, list[Stream]] = defaultdict(list)

    def serve(self, client: socket.socket, _: object) -> None:
        """Forward every request of one client connection."""
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with client, client.makefile("rb") as requests:
            while request := message(requests):
                client.sendall(self._answer(request) or UNAVAILABLE)

    def _answer(self, request: bytes) -> bytes:
        port = random.choice(self._ports)  # noqa: S311  # not for secrets
        idle = self._idle[port]
        stream = idle.pop() if idle else _connected(port)
        stream.write(request)
        stream.flush()
        answer = message(stream)
        if answer:
            idle.append(stream)
        return answer


def message(stream: Stream) -> bytes:
    """The next request or answer on *stream*, whole; empty at its end."""
    head, length = b"", 0
    while line := stream.readline():
        head += line
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
        if line == b"\r\n":
            return head + stream.read(length)
    return b""


def _connected(port: int) -> Stream:
    made = waiting.create_connection((HOST, port))
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream: Stream = made.makefile("rwb")
    return stream


def main() -> None:
    """Serve until the input ends."""
    router = Router([int(port) for port in sys.argv[1:]])
    server = StreamServer((HOST, 0), router.serve)
    server.start()
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    while tp_read(sys.stdin.fileno(), 1):
        pass


if __name__ == "__main__":
    main()
