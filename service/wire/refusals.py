"""
What the worker refuses before there is a request for the application.

Gunicorn's own messages quote the request, query and all, so none of them is passed on.
"""

from http import HTTPStatus

import orjson
from gunicorn.http import errors

from service.problem_details import MEDIA_TYPE, RETRY_AFTER_S, problem_members


class Refused(Exception):
    """A request that the application never sees; *detail* is written for the client."""

    def __init__(self, status: HTTPStatus, detail: str, shed: str = "") -> None:
        """Refuse with *status*; *shed* names the limit, where one was reached."""
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.shed = shed


# Gunicorn's parse errors, most special first.
PARSE_ERRORS: tuple[tuple[type[Exception], HTTPStatus, str], ...] = (
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


def refusal_of(error: errors.ParseException) -> Refused:
    """Say in HTTP's terms what the parser found."""
    status, detail = next(
        (status, detail) for kind, status, detail in PARSE_ERRORS if isinstance(error, kind)
    )
    return Refused(status, detail)


def cut_short() -> Refused:
    """Make the refusal of a body that ended too soon."""
    return Refused(
        HTTPStatus.BAD_REQUEST, "the connection ended before the body did; send it whole"
    )


def excessive_framing() -> Refused:
    """Make the refusal of a chunked body that is chunk sizes and extensions for the most part."""
    return Refused(
        HTTPStatus.BAD_REQUEST,
        "the chunks' sizes and extensions outweigh what is in them; send larger chunks",
    )


def answer_bytes(refused: Refused, path: str, request_id: str) -> tuple[bytes, bytes]:
    """Head and body of the answer that ends a connection with *refused*."""
    status = refused.status
    body = orjson.dumps(problem_members(status, refused.detail, path, request_id))
    fields = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Content-Type: {MEDIA_TYPE}",
        f"Content-Length: {len(body)}",
        f"X-Request-ID: {request_id}",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
    ]
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        fields.append(f"Retry-After: {RETRY_AFTER_S}")
    return "\r\n".join([*fields, "", ""]).encode("latin-1"), body
