"""The Gunicorn worker: gevent's, with every refusal of its own in the service's shape."""

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson
from gunicorn.http import errors
from gunicorn.util import close_graceful
from gunicorn.workers.ggevent import GeventWorker

if TYPE_CHECKING:
    from service.exchange import Exchange, Recorder

# What Gunicorn's parser refuses, most special first. Its own messages quote the request, query
# and all, so none of them is passed on.
REFUSALS: tuple[tuple[type[Exception], HTTPStatus, str], ...] = (
    (
        errors.LimitRequestLine,
        HTTPStatus.REQUEST_URI_TOO_LONG,
        "the request line is longer than this server reads; send a shorter URL, or a body",
    ),
    (
        errors.LimitRequestHeaders,
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        "the header fields are more or longer than this server reads; send fewer or shorter ones",
    ),
    (
        errors.ExpectationFailed,
        HTTPStatus.EXPECTATION_FAILED,
        "the only expectation this server meets is 100-continue",
    ),
    (
        errors.UnsupportedTransferCoding,
        HTTPStatus.NOT_IMPLEMENTED,
        "the only transfer coding this server reads is chunked",
    ),
    (
        errors.ParseException,
        HTTPStatus.BAD_REQUEST,
        "the request is not well-formed HTTP/1.1 (RFC 9112)",
    ),
)


class Worker(GeventWorker):  # type: ignore[misc]  # Gunicorn has no types
    """Serves connections on one gevent hub."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """
        Refuse what never became a request as problem+json, logged and counted like any other.

        Gunicorn's would send an HTML page and log the request line, query included.
        """
        status, detail = _refusal(exc)
        if status is HTTPStatus.INTERNAL_SERVER_ERROR:
            self.log.error("Error handling a connection", exc_info=exc)
        recorder: Recorder = self.wsgi.extensions["recorder"]
        exchange = recorder.open(
            {
                "REQUEST_METHOD": getattr(req, "method", None) or "",
                "PATH_INFO": getattr(req, "path", None) or "",
                "REMOTE_ADDR": addr[0] if addr else "",
            }
        )
        exchange.status = status.value
        try:
            client.sendall(_answer(exchange, status, detail))
        except OSError:
            self.log.debug("The client left before its refusal.")
        finally:
            recorder.close(exchange)
            # A plain close with bytes unread resets the connection, and the refusal is lost.
            close_graceful(client)


def _refusal(exc: BaseException) -> tuple[HTTPStatus, str]:
    for kind, status, detail in REFUSALS:
        if isinstance(exc, kind):
            return status, detail
    return HTTPStatus.INTERNAL_SERVER_ERROR, "the service failed on this connection"


def _answer(exchange: "Exchange", status: HTTPStatus, detail: str) -> bytes:
    # Imported late: this file is read before gevent patches, and Flask must not be.
    from service.problems import problem_members  # noqa: PLC0415

    body = orjson.dumps(problem_members(status, detail, exchange.path, exchange.request_id))
    exchange.bytes_out = len(body)
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        "Content-Type: application/problem+json\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"X-Request-ID: {exchange.request_id}\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode("latin-1") + body
