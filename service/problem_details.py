"""The document that tells of an error (RFC 9457), whoever answers it: a route or the worker."""

from http import HTTPStatus
from typing import Any

# Seconds after which a client may come back that was refused for want of room.
RETRY_AFTER_S = 1

MEDIA_TYPE = "application/problem+json"

# Clients of the Open Inference Protocol look for exactly this type.
PROTOCOL_PATH, PROTOCOL_MEDIA_TYPE = "/v2", "application/json"


def is_protocols(path: str) -> bool:
    """Whether what is at *path* answers by the Open Inference Protocol."""
    return path == PROTOCOL_PATH or path.startswith(f"{PROTOCOL_PATH}/")


def media_type_at(path: str) -> str:
    """The type of a problem at *path*."""
    return PROTOCOL_MEDIA_TYPE if is_protocols(path) else MEDIA_TYPE


def problem_members(
    status: HTTPStatus, detail: str, instance: str, request_id: str
) -> dict[str, Any]:
    """
    The members that every problem has.

    Beside those of RFC 9457: `success: false`, `error` (the detail again, where clients of the
    tutorial and of the V2 protocol look for it) and the request's id.
    """
    return {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "instance": instance,
        "success": False,
        "error": detail,
        "request_id": request_id,
    }
