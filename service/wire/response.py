"""Gunicorn's response, written with what a small answer needs: one send, nothing computed twice."""

from collections.abc import Mapping
from contextlib import suppress
from email.utils import formatdate
from fcntl import ioctl
from functools import lru_cache
from struct import Struct
from termios import TIOCOUTQ
from time import monotonic, time
from typing import Any, Protocol

from gunicorn import util
from gunicorn.http import wsgi

from service.exchange import KEY

# One send of a large answer: what it writes at once keeps the others waiting for so long.
SEND_BYTES = 256 << 10

INT = Struct("i")

# So much of the body is joined to the head; of a large answer, no second copy is made.
JOINED_BYTES = 64 << 10


class Clock:
    """The Date field's value, formatted once a second (RFC 9110 section 6.6.1)."""

    def __init__(self) -> None:
        self._second = 0
        self._date = ""

    def date(self) -> str:
        """Return the present second as an HTTP date."""
        second = int(time())
        if second != self._second:
            self._second, self._date = second, formatdate(second, usegmt=True)
        return self._date


class Serving(Protocol):
    """What answers need of the service that gives them."""

    @property
    def cfg(self) -> Any:
        """Gunicorn's configuration."""

    @property
    def clock(self) -> Clock:
        """What tells the date."""

    @property
    def keep_alive(self) -> str:
        """The fields that say for how long a connection is kept."""


class Response(wsgi.Response):  # type: ignore[misc]  # Gunicorn has no types
    """
    Overrides what Gunicorn does anew for each response.

    `process_headers`: the names of fields are few, and checked once.
    `default_headers`: no `Server` (it helps only attackers), the date from the clock, and for how
    long the connection is kept, so that a client's pool gives it up first.
    `write`: the head and the first piece of the body leave in one send.
    """

    def __init__(
        self, req: Any, sender: "Sender", service: "Serving", environ: Mapping[str, Any]
    ) -> None:
        """*environ* has the record of the exchange, if the application keeps one."""
        super().__init__(req, sender, service.cfg)
        self._environ = environ
        self.headers_sent: bool = False
        self._sender = sender
        self._clock = service.clock
        self._keep_alive = service.keep_alive
        self._head_bytes = 0

    @property
    def body_bytes_sent(self) -> int:
        """How much of the body has left; chunk sizes count as body."""
        return max(0, self._sender.sent_bytes - self._head_bytes)

    def process_headers(self, headers: list[tuple[str, str]]) -> None:
        """Take over the answer's fields, once there is nothing in them that would end a line."""
        for field in headers:
            name, value = field
            if _is_plain(name) and value.isascii() and value.isprintable():
                self.headers.append(field)
            else:
                super().process_headers((field,))

    def default_headers(self) -> list[str]:
        """The status line and the fields that the server itself adds."""
        major, minor = self.req.version
        head = [f"HTTP/{major}.{minor} {self.status}\r\n", f"Date: {self._clock.date()}\r\n"]
        if self.should_close():
            head.append("Connection: close\r\n")
        else:
            head.append(self._keep_alive)
        if self.chunked:
            head.append("Transfer-Encoding: chunked\r\n")
        return head

    def write(self, arg: bytes) -> None:
        """Send a piece of the body, together with the head if that has not left yet."""
        fits = self.response_length == len(arg) and not self._omits_body
        if self.headers_sent or self.chunked or not fits:
            super().write(arg)
            return
        self.headers_sent = True
        self.sent = len(arg)
        self._sender.sendall(self._head() + arg[:JOINED_BYTES])
        if len(arg) > JOINED_BYTES:
            self._sender.sendall(memoryview(arg)[JOINED_BYTES:])

    def send_headers(self) -> None:
        """Send the head alone."""
        if not self.headers_sent:
            self.headers_sent = True
            self._sender.sendall(self._head())

    def _head(self) -> bytes:
        lines = self.default_headers()
        lines += [f"{name}: {value}\r\n" for name, value in self.headers]
        if KEY in self._environ:
            lines.append(self._environ[KEY].begin_answer(self.status_code))
        lines.append("\r\n")
        head = "".join(lines).encode("latin-1")
        self._head_bytes = len(head)
        return head


@lru_cache(maxsize=256)
def _is_plain(name: str) -> bool:
    """Whether *name* is a field's that means nothing to the server itself."""
    return bool(wsgi.TOKEN_RE.fullmatch(name)) and not (
        name.lower() == "content-length" or util.is_hoppish(name)
    )


class Sender:
    """
    Sends to the gevent socket *sock*, whose client must take *quota_bytes* in each *window_s*.

    It stands where Gunicorn's response expects the socket, and counts the bytes that have left.
    """

    def __init__(self, sock: Any, window_s: float, quota_bytes: float) -> None:
        self.sent_bytes = 0
        self._sock = sock
        self._window_s = window_s
        self._quota_bytes = quota_bytes
        sock.settimeout(window_s)

    def sendall(self, data: bytes | memoryview) -> None:
        """Send all of *data*. Raises TimeoutError if the client takes too little in a window."""
        # In one call where the kernel takes it so: gevent's sendall asks for SO_SNDBUF first.
        sent_bytes = self._sock.send(data if len(data) <= SEND_BYTES else data[:SEND_BYTES])
        self.sent_bytes += sent_bytes
        if sent_bytes < len(data):
            self._send_on(memoryview(data)[sent_bytes:])

    def _send_on(self, left: memoryview) -> None:
        """Send in pieces; while one waits for the client to read, others have their turn."""
        deadline_s, due_bytes = (
            monotonic() + self._window_s,
            self._quota_bytes + self._taken_bytes(),
        )
        while left:
            self._sock.settimeout(max(0.001, deadline_s - monotonic()))
            with suppress(TimeoutError):
                sent_bytes = self._sock.send(left[:SEND_BYTES])
                self.sent_bytes += sent_bytes
                left = left[sent_bytes:]
            if monotonic() >= deadline_s:
                if self._taken_bytes() < due_bytes:
                    raise TimeoutError
                deadline_s = monotonic() + self._window_s
                due_bytes = self._quota_bytes + self._taken_bytes()

    def _taken_bytes(self) -> int:
        """
        What the client's side has acknowledged.

        The kernel calls a socket writable only when a third of its buffer is free again (tcp(7)),
        which a slow reader of megabytes may take longer for than any window.
        """
        try:
            queued = ioctl(self._sock.fileno(), TIOCOUTQ, bytes(INT.size))
        except OSError:  # a system that does not tell
            return self.sent_bytes
        (queued_bytes,) = INT.unpack(queued)
        return self.sent_bytes - int(queued_bytes)
