"""Every error of a route as application/problem+json (RFC 9457)."""

import re
from http import HTTPStatus
from math import ceil
from typing import Any

import orjson
from flask import Flask, current_app
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from service import errors
from service.answer import Answer
from service.faults import without_value
from service.problem_details import (
    RETRY_AFTER_S,
    is_protocols,
    media_type_at,
    problem_members,
)
from service.raised import log_raised
from service.request import request

STATUS_OF: dict[type[errors.ServiceError], HTTPStatus] = {
    errors.UnknownModel: HTTPStatus.NOT_FOUND,
    errors.BadImage: HTTPStatus.BAD_REQUEST,
    errors.UnsupportedImage: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.ImageTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.BadDeadline: HTTPStatus.BAD_REQUEST,
    errors.ClientGone: HTTPStatus.BAD_REQUEST,
    errors.ModelRefused: HTTPStatus.BAD_REQUEST,
    errors.NotEnabled: HTTPStatus.FORBIDDEN,
    errors.KeyRefused: HTTPStatus.UNAUTHORIZED,
    errors.IssuerUnreachable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.NotAllowed: HTTPStatus.FORBIDDEN,
    errors.TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    errors.QuarantinedPayload: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.DeadlineExceeded: HTTPStatus.GATEWAY_TIMEOUT,
    errors.ModelLoading: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ModelUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Overloaded: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.NoRoom: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}
SHED: dict[type[errors.ServiceError], str] = {
    errors.Overloaded: "queue_full",
    errors.NoRoom: "memory",
}
RETRY_AFTER_MOST_S = 60
EXAMPLE_BYTES = 4096

# Where a word begins within a class's name.
WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")

# Where the application's configuration says how much errors tell.
DETAIL = "ERROR_DETAIL"


def init_app(app: Flask, error_detail: str = "full") -> None:
    """
    Answer every error of *app* as a problem; called by the application factory.

    *error_detail* is full; names, where no value that was sent is repeated; or none.
    """
    app.config[DETAIL] = error_detail
    app.register_error_handler(errors.ServiceError, service_problem)
    app.register_error_handler(errors.InvalidInput, _input_problem)
    app.register_error_handler(HTTPException, http_problem)
    app.register_error_handler(Exception, _unexpected_problem)


def _reason(error: Exception) -> str:
    """The log's word for an error: `unsupported_media_type`."""
    return WORDS.sub("_", type(error).__name__).lower()


def problem(status: HTTPStatus, detail: str, **extensions: Any) -> Answer:
    """
    A problem whose *detail* says, in a sentence, what is wrong and what to do.

    How much of that is told is WEIR_ERROR_DETAIL's to say.
    """
    how_much = current_app.config[DETAIL]
    if how_much == "none":
        detail, extensions = status.phrase, {}
    elif how_much == "names":
        detail = getattr(detail, "without", detail)
    body = problem_members(status, detail, request.path, request.exchange.request_id)
    answer = Answer(body | extensions, status.value, media_type_at(request.path))
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    return answer


def service_problem(error: errors.ServiceError) -> Answer:
    """Answer what the service has refused."""
    request.exchange.reason = _reason(error)
    request.exchange.shed = SHED.get(type(error), "")
    if isinstance(error, errors.ModelFailed):
        request_id = request.exchange.request_id
        log_raised("prediction_failed", error.__cause__ or error, request_id=request_id)
    said = error.args[0] if error.args else str(error)
    answer = problem(STATUS_OF.get(type(error), HTTPStatus.INTERNAL_SERVER_ERROR), said)
    if isinstance(error, errors.TryLater):
        seconds = min(max(RETRY_AFTER_S, ceil(error.retry_after_s)), RETRY_AFTER_MOST_S)
        answer.headers["Retry-After"] = str(seconds)
    elif isinstance(error, errors.TooManyRequests):
        answer.headers["Retry-After"] = str(max(1, ceil(error.retry_after_s)))
    elif isinstance(error, errors.AccessRefused):
        answer.headers["WWW-Authenticate"] = error.challenge
    return answer


def _input_problem(error: errors.InvalidInput) -> Answer:
    request.exchange.reason = _reason(error)
    fits = 0 < len(error.example) <= EXAMPLE_BYTES
    example = {"example": orjson.Fragment(error.example)} if fits else {}
    if current_app.config[DETAIL] == "names":
        error = errors.InvalidInput([*map(without_value, error.faults)])
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    if is_protocols(request.path):
        status = HTTPStatus.BAD_REQUEST  # the one status that the protocol has for it
    return problem(status, str(error), errors=error.faults, **example)


def http_problem(error: HTTPException) -> Answer:
    """Answer what Werkzeug, or a route by its exceptions, has refused."""
    request.exchange.reason = _reason(error)
    status = HTTPStatus(error.code or 500)
    answer = problem(status, _detail(error))
    for name, value in error.get_headers(request.environ):
        if name in {"Allow", "Retry-After", "Accept-Encoding", "WWW-Authenticate"}:
            answer.headers[name] = value
    return answer


def _detail(error: HTTPException) -> str:
    if isinstance(error, NotFound):
        models = "/v2/models" if is_protocols(request.path) else "/models"
        return f"nothing is served at {request.path}; GET {models} lists the models"
    if isinstance(error, MethodNotAllowed) and error.description == MethodNotAllowed.description:
        allowed = ", ".join(sorted(error.valid_methods or ()))
        return f"{request.path} does not take {request.method}; send {allowed}"
    return error.description or ""


def _unexpected_problem(error: Exception) -> Answer:
    request.exchange.reason = "failed"
    log_raised("request_failed", error, request_id=request.exchange.request_id)
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "the service failed on this request; its log tells the operator why, by request_id",
    )
