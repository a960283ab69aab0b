"""
One connection: its requests in order, each phase with a deadline of its own.

idle → head → body → handling → write, and back to idle. Reads and writes carry their deadlines on
the socket, where gevent starts a timer only if it has to wait; idle and handling deadlines are
kept by the worker's watch, so that a request that never waits starts no timer at all.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any

import gevent
import structlog
from gevent.socket import SHUT_RD
from gevent.socket import wait as wait_until_ready
from gunicorn.http.errors import NoMoreData, ParseException

from service.wire.admission import Admission, check_head, too_large
from service.wire.parting import has_left, linger
from service.wire.reader import FOREVER, Reader, TrustingRequest, environ_of
from service.wire.refusals import Refused, answer_bytes, refusal_of
from service.wire.response import Clock, Response, send_all

if TYPE_CHECKING:
    from config.settings import Settings
    from service.exchange import Exchange, Recorder

log = structlog.get_logger()

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

CUT_SHORT = Refused(
    HTTPStatus.BAD_REQUEST, "the connection ended before the body did; send it whole"
)


class HandlingTimeout(BaseException):
    """Thrown into a request that has been handled for too long; no `except Exception` stops it."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """What all connections of a worker share."""

    app: Callable[..., Any]
    recorder: "Recorder"
    admission: Admission
    settings: "Settings"
    cfg: Any
    environ: dict[str, Any]
    clock: Clock
    trusts: Callable[[str], bool]
    timed_out: Callable[[str], None]
    answered: Callable[[], None]


class Connection:
    """A client's connection. `serve` runs in its greenlet; `expire` and `hurry` in the watch's."""

    def __init__(
        self, service: Service, client: Any, peer: tuple[str, int], *, spare: bool
    ) -> None:
        """Take over *client*; a *spare* one is beyond the limit and may only probe."""
        self._service = service
        self._client = client
        self._peer = peer
        self._spare = spare
        self._reader = Reader(client)
        self._readable = gevent.get_hub().loop.io(client.fileno(), 1)
        self._greenlet = gevent.getcurrent()
        self._environ: dict[str, Any] = {}
        self._hurried = False
        self._enter("idle")

    def serve(self) -> None:
        """Answer the connection's requests until it ends."""
        settings = self._service.settings
        first_wait_s = settings.head_timeout_s
        try:
            while self._await_request(first_wait_s) and self._serve_request():
                first_wait_s = settings.idle_timeout_s
        except Refused as refused:
            self._refuse(refused)
        except (OSError, HandlingTimeout):
            pass  # the client left, or a late timeout found the request answered
        except Exception:
            log.exception("connection_failed")
            self._refuse(Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "the service failed"))
        finally:
            self._readable.close()

    def expire(self) -> None:
        """End a phase that has outlasted its deadline."""
        self._service.timed_out(self._phase)
        if self._phase == "idle":
            self.hurry()
        else:
            self.deadline = FOREVER
            gevent.kill(self._greenlet, HandlingTimeout)

    def hurry(self, idle_for_s: float = 0) -> None:
        """
        End a connection that has been idle for so long.

        Nothing is sent: its wait returns what has arrived by now, else the end of the stream.
        """
        if self._phase == "idle" and self._since + idle_for_s <= monotonic():
            self._hurried = True
            with suppress(OSError):
                self._client.shutdown(SHUT_RD)

    def _is_abandoned(self) -> bool:
        """Whether the client has left; once hurried, the end that would be seen is ours."""
        return not self._hurried and has_left(self._client)

    def _await_request(self, seconds: float) -> bool:
        """Wait for the next request's first bytes; every other connection has its turn here."""
        if self._reader.has_more:
            gevent.sleep(0)
            return True
        self._enter("idle", seconds)
        wait_until_ready(self._readable)
        received = self._client.recv(self._reader.mxchunk)
        self._enter("head")
        self._reader.unread(received)
        return bool(received)

    def _serve_request(self) -> bool:
        """Read, check and answer one request; tells whether another may follow."""
        started = perf_counter()
        self._environ = {}
        try:
            request = self._read_head()
            environ = self._environ = self._service.environ | environ_of(request, self._peer)
            environ["weir.started"] = started
            environ["weir.client_gone"] = self._is_abandoned
            check_head(environ, self._service.settings.body_limit_bytes)
            self._service.admission.admit(environ, spare=self._spare)
            body = self._read_body(request)
        except ParseException as error:
            raise refusal_of(error) from None
        environ["wsgi.input"] = BytesIO(body)
        if "HTTP_TRANSFER_ENCODING" in environ:
            environ["CONTENT_LENGTH"] = str(len(body))
        response = Response(request, self._client, self._service.cfg, self._service.clock)
        self._answer(response)
        self._service.answered()
        if not response.should_close():
            return True
        if not request.should_close() or self._reader.has_more:
            linger(self._client)  # the client may be sending its next request
        return False

    def _read_head(self) -> Any:
        self._reader.allow(self._service.settings.head_timeout_s)
        try:
            return TrustingRequest(
                self._service.cfg,
                self._reader,
                self._peer,
                trusted=self._service.trusts(self._peer[0]),
            )
        except TimeoutError:
            self._service.timed_out("head")
            raise Refused(
                HTTPStatus.REQUEST_TIMEOUT, "the request's head did not arrive in time"
            ) from None

    def _read_body(self, request: Any) -> bytes:
        """The whole body, so that none that is cut short, drips or is malformed goes further."""
        declared = self._environ.get("CONTENT_LENGTH")
        if declared is None and "HTTP_TRANSFER_ENCODING" not in self._environ:
            return b""
        settings = self._service.settings
        if request._expected_100_continue:  # noqa: SLF001  # Gunicorn keeps it for its own writer
            send_all(self._client, CONTINUE)
        self._reader.allow(settings.body_timeout_s, settings.body_rate_bytes_per_s)
        try:
            body: bytes = request.body.read(settings.body_limit_bytes + 1)
        except TimeoutError:
            self._service.timed_out("body")
            raise Refused(
                HTTPStatus.REQUEST_TIMEOUT, "the request's body did not arrive in time"
            ) from None
        except NoMoreData:
            raise CUT_SHORT from None
        if len(body) > settings.body_limit_bytes:
            raise too_large(settings.body_limit_bytes)
        if declared is not None and len(body) < int(declared):
            raise CUT_SHORT
        return body

    def _answer(self, response: Response) -> None:
        """Call the application and send what it answers."""
        admission = self._service.admission
        admission.in_flight += 1
        self._enter("handling", self._service.settings.handling_timeout_s)
        self._client.settimeout(self._service.settings.write_timeout_s)
        try:
            pieces = self._service.app(self._environ, response.start_response)
            if admission.draining or self._spare:
                response.force_close()
            self._send(pieces, response)
        except HandlingTimeout:
            self._give_up(
                response,
                HTTPStatus.GATEWAY_TIMEOUT,
                "the answer took longer than this server may take",
            )
        except gevent.GreenletExit:
            self._give_up(response, HTTPStatus.SERVICE_UNAVAILABLE, "this worker had to leave")
        finally:
            admission.in_flight -= 1
            self._enter("head")

    def _send(self, pieces: Any, response: Response) -> None:
        try:
            for piece in pieces:
                response.write(piece)
            response.close()
        except TimeoutError:
            self._service.timed_out("write")
            raise
        finally:
            pieces.close()

    def _give_up(self, response: Response, status: HTTPStatus, detail: str) -> None:
        """End a request that was under way; once its head has left only the connection can tell."""
        response.force_close()
        if not response.headers_sent:
            raise Refused(status, detail) from None

    def _refuse(self, refused: Refused) -> None:
        """Answer *refused*, write its line, and make sure that the client can read the answer."""
        exchange: Exchange = self._environ.get("weir.exchange") or self._service.recorder.open(
            self._environ or {"REMOTE_ADDR": self._peer[0]}
        )
        exchange.status = refused.status.value
        exchange.shed = refused.shed
        head, body = answer_bytes(refused, exchange.path, exchange.request_id)
        if exchange.method != "HEAD":
            exchange.bytes_out = len(body)
            head += body
        try:
            self._client.settimeout(self._service.settings.write_timeout_s)
            send_all(self._client, head)
        except OSError:
            return  # the client left before its refusal
        finally:
            self._service.recorder.close(exchange)
        with suppress(OSError):
            linger(self._client)

    def _enter(self, phase: str, seconds: float = FOREVER) -> None:
        self._phase = phase
        self._since = monotonic()
        self.deadline = self._since + seconds
