"""What a worker takes on, and what it refuses before the body is read."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from service.wire.refusals import Refused

# What a router, an orchestrator and Prometheus must reach also when nothing else is let in.
ALWAYS_ADMITTED = frozenset({"/healthz", "/readyz", "/metrics"})


@dataclass(slots=True)
class Admission:
    """
    The requests under way in this worker against their limit, and whether it is leaving.

    While it is *draining* each answer ends its connection; *ending* is the whole instance.
    """

    limit: int
    in_flight: int = 0
    draining: bool = False
    ending: bool = False

    @property
    def is_full(self) -> bool:
        """Whether one request more would exceed the limit."""
        return self.in_flight >= self.limit

    def admit(self, environ: dict[str, Any], *, spare: bool) -> None:
        """Raise Refused at the limits; a *spare* connection is one beyond theirs."""
        if not (spare or self.is_full) or environ["PATH_INFO"] in ALWAYS_ADMITTED:
            return
        what = "connections are open" if spare else "requests are under way"
        raise Refused(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"as many {what} as this worker takes; try again after Retry-After seconds",
            shed="connections" if spare else "in_flight",
        )


def check_head(environ: dict[str, Any], body_limit_bytes: int) -> None:
    """Raise Refused for a head that is ambiguous, or declares a body over the limit."""
    if "HTTP_HOST" not in environ and environ["SERVER_PROTOCOL"] >= "HTTP/1.1":
        # RFC 9112 section 3.2
        raise Refused(HTTPStatus.BAD_REQUEST, "HTTP/1.1 wants a Host field; send one")
    if environ.get("HTTP_TRANSFER_ENCODING", "chunked").lower() != "chunked":
        # Gunicorn takes gzip before chunked, and would hand the body on still compressed.
        raise Refused(
            HTTPStatus.NOT_IMPLEMENTED, "the only transfer coding this server reads is chunked"
        )
    if int(environ.get("CONTENT_LENGTH") or 0) > body_limit_bytes:
        raise too_large(body_limit_bytes)


def too_large(limit_bytes: int) -> Refused:
    """Make the refusal of a body over the limit."""
    return Refused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"the body is larger than the limit of {limit_bytes} bytes; send less",
    )
