"""Gunicorn's reader of a socket, with deadlines; what does not change from request to request."""

import sys
from time import monotonic
from typing import Any

from gunicorn.http.errors import LimitRequestHeaders
from gunicorn.http.unreader import SocketUnreader

from service.wire.turn import give_turn

FOREVER = float("inf")

# Request line and fields together; Heroku's router and Node.js stop at 16 KB, nginx at 32 KB.
HEAD_BYTES = 32 << 10

# A client that sends as fast as it can never makes its reader wait: it hands on after so long.
TURN_S = 0.002

# One receive of a body: a hundred turns for the largest, and no large buffer for one byte.
RECEIVE_BYTES = 64 << 10


class SocketReader(SocketUnreader):  # type: ignore[misc]  # Gunicorn has no types
    """
    Gunicorn's reader, with a pace for whatever is being read, and a turn for everybody else.

    Overrides `chunk`, through which every byte of a request comes.
    """

    max_body_chunk = RECEIVE_BYTES

    def __init__(self, sock: Any) -> None:
        super().__init__(sock)
        self.allow(FOREVER)

    def allow(self, window_s: float, quota_bytes: float = FOREVER) -> None:
        """
        Give what comes next *window_s*, and as long again after every *quota_bytes*.

        What comes quickly at first earns nothing: each window asks for its own quota.
        """
        self._window_s = window_s
        self._quota_bytes = quota_bytes
        self._head_left_bytes = FOREVER
        self._received_bytes = 0
        self.restart()

    def allow_head(self, window_s: float) -> None:
        """Give the head that comes next *window_s* and HEAD_BYTES, however it is cut."""
        self.allow(window_s)
        self._head_left_bytes = HEAD_BYTES

    def restart(self) -> None:
        """Begin a window: what follows has not been waited for yet."""
        self._turn_s = monotonic()
        self._deadline_s = self._turn_s + self._window_s

    def turn(self) -> None:
        """Let every other connection have its turn, if it is due."""
        if monotonic() - self._turn_s > TURN_S:
            give_turn()
            self._turn_s = monotonic()

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Receive. Raises TimeoutError past the window, LimitRequestHeaders past a head's size."""
        if self._head_left_bytes <= 0:
            raise LimitRequestHeaders("the head is too long")
        if self._received_bytes:
            self.turn()
        left_s = self._deadline_s - monotonic()
        if left_s <= 0:
            raise TimeoutError
        self.sock.settimeout(left_s)
        data: bytes = super().chunk(size_hint)
        self._head_left_bytes -= len(data)
        self._received_bytes += len(data)
        if self._received_bytes >= self._quota_bytes:
            self._received_bytes = 1  # it has begun
            self._deadline_s = monotonic() + self._window_s
        return data

    def holds(self, size_bytes: int) -> bool:
        """Whether so many bytes have been received beyond what was read."""
        return bool(self.buf.tell() >= size_bytes)

    @property
    def has_more(self) -> bool:
        """Whether bytes of the next request have been received already (pipelining)."""
        return bool(self.buf.tell())


class FrozenConfig:
    """
    Gunicorn's configuration as plain attributes.

    Gunicorn's own looks each setting up in a dict of objects, some thirty times a request. Beside
    it, what request lines that came before were parsed to.
    """

    def __init__(self, cfg: Any) -> None:
        self.__dict__.update({name: setting.get() for name, setting in cfg.settings.items()})
        self.is_ssl = cfg.is_ssl
        self.known_request_lines: dict[bytes, dict[str, Any]] = {}


def base_environ(address: Any) -> dict[str, Any]:
    """
    The part of the environ that is the same for every request of a worker (PEP 3333).

    A Unix socket has neither a name nor a port, and PEP 3333 wants both.
    """
    name, port = address[:2] if isinstance(address, tuple) else ("localhost", 80)
    return {
        "wsgi.version": (1, 0),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        "SERVER_NAME": str(name),
        "SERVER_PORT": str(port),
        "SCRIPT_NAME": "",
    }
