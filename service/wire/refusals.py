"""
What the worker refuses before there is a request for the application.

Gunicorn's own messages quote the request, query and all, so none of them is passed on.
"""

from http import HTTPStatus

import orjson
from gunicorn.http import errors

from service.exchange import Exchange
from service.problem_details import RETRY_AFTER_S, media_type_at, problem_members


class Refused(Exception):
    """A request that the application never sees; *detail* is written for the client."""

    def __init__(
        self, status: HTTPStatus, reason: str, detail: str, *, is_shed: bool = False
    ) -> None:
        """Refuse with *status*; *reason* is the log's word for it, and of a limit its name."""
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail
        self.is_shed = is_shed

    def copy(self) -> "Refused":
        """The same without its traceback, which holds what has been read of the request."""
        return Refused(self.status, self.reason, self.detail, is_shed=self.is_shed)


# Gunicorn's parse errors, most special first.
PARSE_ERRORS: tuple[tuple[type[Exception], HTTPStatus, str, str], ...] = (
    (
        errors.LimitRequestLine,
        HTTPStatus.REQUEST_URI_TOO_LONG,
        "request_line_too_long",
        "the request line is longer than this server reads; send a shorter URL, or a body",
    ),
    (
        errors.LimitRequestHeaders,
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        "fields_too_large",
        "the header fields are more or longer than this server reads; send fewer or shorter ones",
    ),
    (
        errors.ExpectationFailed,
        HTTPStatus.EXPECTATION_FAILED,
        "expectation",
        "the only expectation this server meets is 100-continue",
    ),
    (
        errors.UnsupportedTransferCoding,
        HTTPStatus.NOT_IMPLEMENTED,
        "transfer_coding",
        "the only transfer coding this server reads is chunked",
    ),
    (
        errors.InvalidHTTPVersion,
        HTTPStatus.BAD_REQUEST,
        "http_version",
        "this server speaks HTTP/1.1 and HTTP/1.0; send one of them",
    ),
    (
        errors.InvalidRequestMethod,
        HTTPStatus.BAD_REQUEST,
        "malformed_method",
        "the method is no word of 3 to 20 capital letters (RFC 9110 section 9.1)",
    ),
    (
        errors.InvalidRequestLine,
        HTTPStatus.BAD_REQUEST,
        "malformed_request_line",
        (
            "the request line is not well-formed (RFC 9112 section 3): send a method, a target of "
            "printable ASCII and HTTP/1.1, with one space between"
        ),
    ),
    (
        errors.ObsoleteFolding,
        HTTPStatus.BAD_REQUEST,
        "folded_field",
        "a header field goes on in the next line; send it in one (RFC 9112 section 5.2)",
    ),
    (
        errors.InvalidHeaderName,
        HTTPStatus.BAD_REQUEST,
        "malformed_field_name",
        "a header field's name is not well-formed (RFC 9110 section 5.1)",
    ),
    (
        errors.InvalidHeader,
        HTTPStatus.BAD_REQUEST,
        "malformed_field",
        (
            "a header field is not well-formed, contradicts another, or stands there twice that "
            "may once (RFC 9110 section 5, RFC 9112 section 6)"
        ),
    ),
    (
        errors.ParseException,
        HTTPStatus.BAD_REQUEST,
        "malformed",
        "the request is not well-formed HTTP/1.1 (RFC 9112)",
    ),
)


def refusal_of(error: errors.ParseException) -> Refused:
    """Say in HTTP's terms what the parser found."""
    return next(
        Refused(status, reason, detail)
        for kind, status, reason, detail in PARSE_ERRORS
        if isinstance(error, kind)
    )


def cut_short() -> Refused:
    """Make the refusal of a body that ended too soon."""
    return Refused(
        HTTPStatus.BAD_REQUEST,
        "cut_short",
        "the connection ended before the body did; send it whole",
    )


def overrun() -> Refused:
    """Make the refusal of a request that has been handled for too long."""
    return Refused(
        HTTPStatus.GATEWAY_TIMEOUT,
        "handling_timeout",
        "the answer took longer than this server may take",
    )


def leaving() -> Refused:
    """Make the refusal of a request whose worker ends before its answer."""
    return Refused(HTTPStatus.SERVICE_UNAVAILABLE, "leaving", "this worker had to leave")


def excessive_framing() -> Refused:
    """Make the refusal of a chunked body that is chunk sizes and extensions for the most part."""
    return Refused(
        HTTPStatus.BAD_REQUEST,
        "excessive_framing",
        "the chunks' sizes and extensions outweigh what is in them; send larger chunks",
    )


def answer_bytes(refused: Refused, exchange: Exchange, date: str) -> tuple[bytes, bytes]:
    """Head and body of the answer that ends a connection with *refused*."""
    status, request_id = refused.status, exchange.request_id
    body = orjson.dumps(problem_members(status, refused.detail, exchange.path, request_id))
    fields = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Date: {date}",
        f"Content-Type: {media_type_at(exchange.path)}",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        fields.append(f"Retry-After: {RETRY_AFTER_S}")
    head = "\r\n".join([*fields, exchange.begin_answer(status.value)])
    return f"{head}\r\n".encode("latin-1"), body
