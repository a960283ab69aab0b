"""Gunicorn's response, written with what a small answer needs: one send, nothing computed twice."""

from email.utils import formatdate
from time import time
from typing import Any

from gunicorn.http import wsgi


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


class Response(wsgi.Response):  # type: ignore[misc]  # Gunicorn has no types
    """
    Overrides what Gunicorn does anew for each response.

    `default_headers`: no `Server` (it helps only attackers), the date from the clock, and
    `Connection` only where it differs from the protocol's default.
    `write`: the head and the first piece of the body leave in one send.
    """

    def __init__(self, req: Any, sock: Any, cfg: Any, clock: Clock) -> None:
        super().__init__(req, sock, cfg)
        self.headers_sent: bool = False
        self._clock = clock

    def default_headers(self) -> list[str]:
        """The status line and the fields that the server itself adds."""
        major, minor = self.req.version
        head = [f"HTTP/{major}.{minor} {self.status}\r\n", f"Date: {self._clock.date()}\r\n"]
        if self.should_close():
            head.append("Connection: close\r\n")
        elif self.req.version < (1, 1):
            head.append("Connection: keep-alive\r\n")
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
        send_all(self.sock, self._head() + arg)

    def send_headers(self) -> None:
        """Send the head alone."""
        if not self.headers_sent:
            self.headers_sent = True
            send_all(self.sock, self._head())

    def _head(self) -> bytes:
        fields = [f"{name}: {value}\r\n" for name, value in self.headers]
        return "".join([*self.default_headers(), *fields, "\r\n"]).encode("latin-1")


def send_all(sock: Any, data: bytes) -> None:
    """Send in one call where the kernel takes it so; gevent's sendall asks for SO_SNDBUF first."""
    sent = sock.send(data)
    if sent < len(data):
        sock.sendall(memoryview(data)[sent:])
