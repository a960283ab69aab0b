"""
One connection: its requests in order, each phase with a deadline of its own.

The phases, and how one is ended, are in `wire.phases`. Reads and writes carry their deadlines on
the socket, where gevent starts a timer only if it has to wait; idle and handling deadlines are kept
by the worker's watch, so that a request that never waits starts no timer at all.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from io import BytesIO
from time import perf_counter
from typing import Any, cast

import gevent
from gevent.socket import wait as wait_until_ready
from gunicorn.http.errors import ParseException

from service.exchange import ALLOW, CLIENT_GONE, HOLD, KEY, STAGES, Exchange
from service.inference.account import Hold
from service.raised import log_raised
from service.stages import Stages
from service.wire.admission import check_head
from service.wire.closing import has_left, linger, receive_now
from service.wire.head import TrustingRequest, environ_of, environ_so_far
from service.wire.intake import Intake
from service.wire.peer import Peer
from service.wire.phases import HandlingTimeout, IdleTimeout, Phased
from service.wire.reader import SocketReader
from service.wire.refusals import Refused, leaving, overrun, refusal_of
from service.wire.refusing import record_unanswered, refuse
from service.wire.response import Response, Sender
from service.wire.serving import Service
from service.wire.turn import give_turn


class Connection(Phased):
    """A client's connection. `serve` runs in its greenlet; what ends it in others."""

    def __init__(
        self,
        service: Service,
        client: Any,
        peer: Peer,
        head_limit_s: float,
        claim_place: Callable[[], bool] | None = None,
    ) -> None:
        """
        Take over *client*, of whom the first head begins within *head_limit_s*.

        It is whole within as long again. On a connection beyond the limit *claim_place* tells
        whether there is a place for it after all, when it sends more than a probe.
        """
        super().__init__(service.timed_out)
        self._service = service
        self._client = client
        self._peer = peer
        self._claim_place = claim_place
        self._reader = SocketReader(client)
        self._has_left = partial(has_left, client)
        self._readable = gevent.get_hub().loop.io(client.fileno(), 1)
        self._environ: dict[str, Any] = {}
        self._response: Response | None = None
        self._hold = Hold(service.app.account)
        self._intake = Intake(self._reader, service.settings, self._hold, service.timed_out)
        self._head_limit_s = head_limit_s

    def serve(self) -> None:
        """Answer the connection's requests until it ends."""
        refused: Refused | None = None
        try:
            self._serve_requests()
        except Refused as error:
            refused = error.copy()
        except OSError:
            self._record_unanswered("disconnected")
        except gevent.GreenletExit:
            self._record_unanswered("evicted")
        except Exception as error:  # noqa: BLE001  # whatever it is, the others are served
            self._exchange()
            log_raised("connection_failed", error)
            refused = Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "failed", "the service failed")
        finally:
            self._readable.close()
        if refused:
            self._refuse(refused)

    def _serve_requests(self) -> None:
        settings = self._service.settings
        wait_s = self._head_limit_s
        if self._service.wants_proxy_header:
            self._introduce(wait_s)
        while self._await_request(wait_s) and self._serve_request():
            wait_s, self._head_limit_s = settings.idle_timeout_s, settings.head_timeout_s
            self._environ = {}
            self.has_asked = True

    def _introduce(self, limit_s: float) -> None:
        """Learn for whom the peer connects. Raises Unintroduced if it does not say so first."""
        if not self._peer.heed or self._await_request(limit_s):
            self._peer = self._service.peers.introduced(self._peer, self._reader, limit_s)

    def _await_request(self, seconds: float) -> bool:
        """Wait for the next request's first bytes; every other connection has its turn here."""
        if self._reader.has_more:
            give_turn()
            return True
        self._enter("idle", seconds)
        try:  # noqa: SIM105  # on every request's way
            wait_until_ready(self._readable)
        except IdleTimeout:
            pass  # what has arrived by now is served, and then it ends
        self._enter("head")
        received = receive_now(self._client, self._reader.mxchunk)
        self._reader.unread(received)
        return bool(received)

    def _serve_request(self) -> bool:
        """Read, check and answer one request; tells whether another may follow."""
        stages = Stages(perf_counter())
        self._environ, self._response = {}, None
        request = TrustingRequest()
        try:
            self._intake.read_head(request, self._service.cfg, self._peer, self._head_limit_s)
            environ = self._environ = self._service.environ | environ_of(request, self._peer)
            environ[STAGES] = stages
            environ[CLIENT_GONE] = self._has_left
            environ[HOLD], environ[ALLOW] = self._hold, self.allow
            check_head(environ, self._service.settings.body_limit_bytes)
            self._service.admission.admit(environ, self._claim_place and self._claim)
            if self._intake.is_due(environ) and not self._service.app.takes(environ):
                return self._respond_unread(request)
            if "CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ:
                self._enter("body")
                stages.enter("body")
            body = self._intake.read_body(request, environ)
            return self._respond(request, body)
        except ParseException as error:
            raise refusal_of(error) from None
        finally:
            self._environ = self._environ or environ_so_far(request, self._peer, stages)
            self._intake.let_go(self._environ)

    def _claim(self) -> bool:
        if self._claim_place and self._claim_place():
            self._claim_place = None
        return self._claim_place is None

    def _respond_unread(self, request: TrustingRequest) -> bool:
        """Answer a request that no route takes without its body, and end the connection."""
        self._environ.pop("CONTENT_LENGTH", None)
        self._environ.pop("HTTP_TRANSFER_ENCODING", None)
        self._respond(request, b"", is_last=True)
        return False

    def _respond(self, request: TrustingRequest, body: bytes, *, is_last: bool = False) -> bool:
        """Answer a request that has been read; tells whether another may follow."""
        service, environ = self._service, self._environ
        environ[STAGES].read()
        environ["wsgi.input"] = BytesIO(body)
        if "HTTP_TRANSFER_ENCODING" in environ:
            environ["CONTENT_LENGTH"] = str(len(body))
        window_s = service.settings.write_timeout_s
        sender = Sender(self._client, window_s, window_s * service.settings.body_rate_bytes_per_s)
        response = self._response = Response(request, sender, service, environ)
        if is_last:
            response.force_close()
        self._answer(response)
        service.answered()
        if not response.should_close():
            return True
        if is_last or not request.should_close() or self._reader.has_more:
            self._enter("closing")
            linger(self._client)  # the client may be sending its next request
        return False

    def _answer(self, response: Response) -> None:
        """Call the application and send what it answers."""
        admission = self._service.admission
        admission.in_flight += 1
        self._enter("handling", self._service.settings.handling_timeout_s)
        try:
            pieces = self._service.ask(self._environ, response.start_response)
            self._enter("write")
            if admission.draining or self._claim_place:
                response.force_close()
            self._send(pieces, response)
        except HandlingTimeout:
            self._give_up(response, overrun())
        except gevent.GreenletExit:
            self._give_up(response, leaving())
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
            self._record_cut("write_timeout", response)
            raise
        except BaseException:
            self._record_cut("disconnected", response)
            raise
        finally:
            if not isinstance(pieces, tuple):
                pieces.close()
            self._service.app.recorder.close(self._environ.get(KEY))

    def _record_cut(self, reason: str, response: Response) -> None:
        """Let the record say that the answer was cut short, and how much of it has left."""
        exchange: Exchange = self._environ[KEY]
        exchange.cut, exchange.bytes_out = reason, response.body_bytes_sent

    def _give_up(self, response: Response, refused: Refused) -> None:
        """End a request that was under way; once its head has left only the connection can tell."""
        response.force_close()
        if not response.headers_sent:
            raise refused from None

    def _exchange(self) -> Exchange:
        """The record of the request under way, or of what has come of it."""
        if KEY not in self._environ:
            so_far = self._environ or {"REMOTE_ADDR": self._peer.address}
            self._environ[KEY] = self._service.app.recorder.open(so_far)
        return cast("Exchange", self._environ[KEY])

    def _record_unanswered(self, reason: str) -> None:
        """Write the line of a request that has begun, if there is one."""
        if self._environ:
            record_unanswered(self._exchange(), reason, self._service)

    def _refuse(self, refused: Refused) -> None:
        """Answer *refused*, write its line, and make sure that the client can read the answer."""
        if self._response is not None and self._response.headers_sent:
            return  # a second head would be taken for the answer to the next request
        if refuse(self._client, refused, self._exchange(), self._service):
            self._enter("closing")
            with suppress(OSError):
                linger(self._client)
