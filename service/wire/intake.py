"""One request taken in from a connection: its head and its body, each within time and room."""

from collections.abc import Callable
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, Any

from service.errors import NoRoom, TooLarge
from service.inference.account import ROOM_WAIT_S, Hold
from service.wire.body import BodyReader
from service.wire.head import TrustingRequest
from service.wire.peer import Peer
from service.wire.reader import SocketReader
from service.wire.refusals import Refused

if TYPE_CHECKING:
    from config.settings import Settings

# What of the environ holds the body; the second is Werkzeug's.
HOLDERS = ("wsgi.input", "werkzeug.request")

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Intake:
    """Reads the requests of one connection; what they hold of memory goes to *hold*."""

    def __init__(
        self,
        reader: SocketReader,
        settings: "Settings",
        hold: Hold,
        timed_out: Callable[[str], None],
    ) -> None:
        """*timed_out* is told the phase that took too long: head or body."""
        self._reader = reader
        self._settings = settings
        self._hold = hold
        self._timed_out = timed_out

    def read_head(self, request: TrustingRequest, cfg: Any, peer: Peer, limit_s: float) -> None:
        """Read the head of *request* within *limit_s*. Raises Refused or ParseException."""
        self._reader.allow_head(limit_s)
        try:
            request.read(cfg, self._reader, peer)
        except TimeoutError:
            self._timed_out("head")
            raise Refused(
                HTTPStatus.REQUEST_TIMEOUT,
                "head_timeout",
                "the request's head did not arrive in time",
            ) from None

    def is_due(self, environ: dict[str, Any]) -> bool:
        """Whether a body is still to come, at least in part."""
        declared = environ.get("CONTENT_LENGTH")
        if declared is None:
            return "HTTP_TRANSFER_ENCODING" in environ
        return not self._reader.holds(int(declared))

    def read_body(self, request: Any, environ: dict[str, Any]) -> bytes:
        """Read the whole body: none that is cut short, drips or is malformed goes further."""
        declared = environ.get("CONTENT_LENGTH")
        if declared is None and "HTTP_TRANSFER_ENCODING" not in environ:
            return b""
        settings = self._settings
        if request._expected_100_continue:  # noqa: SLF001  # Gunicorn keeps it for its own writer
            self._reader.sock.sendall(CONTINUE)
        self._hold.expected_bytes = settings.body_limit_bytes if declared is None else int(declared)
        window_s = settings.body_timeout_s
        self._reader.allow(window_s, window_s * settings.body_rate_bytes_per_s)
        reader = BodyReader(self._reader, settings.body_limit_bytes, self._make_room)
        try:
            if declared is None:
                return reader.read_chunked(request)
            return reader.read_declared(int(declared))
        except TimeoutError:
            self._timed_out("body")
            raise Refused(
                HTTPStatus.REQUEST_TIMEOUT,
                "body_timeout",
                "the request's body did not arrive in time",
            ) from None
        finally:
            reader.close()

    def let_go(self, environ: dict[str, Any]) -> None:
        """Forget the body, of which *environ* would remind an idle connection, and its bytes."""
        for name in HOLDERS:
            environ.pop(name, None)
        self._hold.expected_bytes = 0
        if self._hold.held_bytes:
            self._hold.release()

    def _make_room(self, size_bytes: int) -> None:
        """Let the body grow, after a wait if there is no room yet."""
        try:
            self._hold.grow(size_bytes)
        except NoRoom:
            self._wait_for_room(size_bytes)
            self._reader.restart()  # the wait was ours, not the client's
        except TooLarge as error:
            raise Refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "request_entity_too_large", str(error)
            ) from None

    def _wait_for_room(self, size_bytes: int) -> None:
        try:
            self._hold.grow(size_bytes, until_s=monotonic() + ROOM_WAIT_S)
        except NoRoom as error:
            raise Refused(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "memory",
                f"{error}; try again after Retry-After seconds",
                is_shed=True,
            ) from None
