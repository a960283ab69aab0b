"""The answers that the worker gives itself."""

import json
from http import HTTPStatus

import pytest
from gunicorn.http import errors

from service.recorder import Recorder
from service.wire.refusals import Refused, answer_bytes, refusal_of

SECRET = "token=s3cr3t"
DATE = "Sat, 28 Nov 2026 01:00:00 GMT"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.LimitRequestLine(9000, 8190), 414),
        (errors.LimitRequestHeaders(SECRET), 431),
        (errors.ExpectationFailed(SECRET), 417),
        (errors.UnsupportedTransferCoding(SECRET), 501),
        (errors.InvalidHeader(SECRET), 400),
        (errors.InvalidRequestLine(SECRET), 400),
        (errors.InvalidRequestMethod(SECRET), 400),
        (errors.InvalidHeaderName(SECRET), 400),
        (errors.ObsoleteFolding(SECRET), 400),
        (errors.InvalidHTTPVersion(SECRET), 400),
        (errors.InvalidHTTPVersion("HTTP/3.0"), 400),
        (errors.InvalidChunkSize(SECRET.encode()), 400),
    ],
)
def test_a_parser_s_error_has_its_status_and_quotes_nothing(error, status):
    refused = refusal_of(error)

    assert refused.status == status
    assert SECRET not in refused.detail


def parsed(refused, path="/models/x", request_id="i" * 20):
    recorder = Recorder(lambda *_: ())
    asked = {"PATH_INFO": path.encode().decode("latin-1"), "HTTP_X_REQUEST_ID": request_id}
    exchange = recorder.open(asked)
    head, body = answer_bytes(refused, exchange, DATE)
    line, *fields = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    return line, dict(field.split(": ", 1) for field in fields), json.loads(body), len(body)


def test_a_refusal_is_a_whole_answer_that_ends_the_connection():
    refused = Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", "too large; send less")

    line, fields, said, size_bytes = parsed(refused)

    assert line == "HTTP/1.1 413 " + HTTPStatus.REQUEST_ENTITY_TOO_LARGE.phrase
    assert fields.pop("Server-Timing").startswith("head;dur=")
    assert fields == {
        "Date": DATE,
        "Content-Type": "application/problem+json",
        "Content-Length": str(size_bytes),
        "X-Request-ID": "i" * 20,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Cache-Control": "no-store",
        "Connection": "close",
    }
    assert said["status"] == 413
    assert said["success"] is False
    assert said["detail"] == said["error"] == "too large; send less"
    assert (said["instance"], said["request_id"]) == ("/models/x", "i" * 20)


def test_who_is_refused_for_want_of_room_is_told_when_to_come_back():
    _, fields, _, _ = parsed(
        Refused(HTTPStatus.SERVICE_UNAVAILABLE, "in_flight", "full", is_shed=True)
    )

    assert fields["Retry-After"] == "1"


def test_a_path_of_any_characters_makes_a_valid_answer():
    _, _, said, _ = parsed(Refused(HTTPStatus.BAD_REQUEST, "no", "no"), path='/"\n\\żółw')

    assert said["instance"] == '/"\n\\żółw'
