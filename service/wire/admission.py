"""What a worker takes on, and what it refuses before the body is read."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from service.cors import is_preflight
from service.exchange import PROBES
from service.wire.refusals import Refused

# uri-host and port of RFC 3986 sections 3.2.2 and 3.2.3, which may both be empty.
HOST = re.compile(
    r"(\[[0-9A-Fa-fv:.]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(:[0-9]*)?"
)


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

    def admit(self, environ: dict[str, Any], claim_place: Callable[[], bool] | None = None) -> None:
        """
        Raise Refused at the limits.

        *claim_place* comes with a connection beyond their limit, and tells whether it may stay.
        """
        if not (claim_place or self.is_full) or environ["PATH_INFO"] in PROBES:
            return
        if is_preflight(environ):  # answered at once; refused, it would hide the 503 that comes
            return
        if self.is_full:
            what, limit = "requests are under way", "in_flight"
        elif claim_place and claim_place():
            return
        else:
            what, limit = "connections are open", "connections"
        raise Refused(
            HTTPStatus.SERVICE_UNAVAILABLE,
            limit,
            f"as many {what} as this worker takes; try again after Retry-After seconds",
            is_shed=True,
        )


class ProbesOnly(Admission):
    """What the admin port takes on: probes and scrapes, which no limit holds back."""

    def admit(
        self,
        environ: dict[str, Any],
        claim_place: Callable[[], bool] | None = None,  # noqa: ARG002  # as there
    ) -> None:
        """Raise Refused for anything else."""
        if environ["PATH_INFO"] not in PROBES:
            raise Refused(
                HTTPStatus.NOT_FOUND,
                "admin_port",
                "this port answers probes (/healthz, /readyz, /v2/health) and /metrics only; "
                "send everything else to the service's own port",
            )


def check_head(environ: dict[str, Any], body_limit_bytes: int) -> None:
    """Raise Refused for a head that is ambiguous, or declares a body over the limit."""
    if "HTTP_HOST" not in environ and environ["SERVER_PROTOCOL"] >= "HTTP/1.1":
        # RFC 9112 section 3.2
        raise Refused(HTTPStatus.BAD_REQUEST, "no_host", "HTTP/1.1 wants a Host field; send one")
    if not _is_host(environ.get("HTTP_HOST", "")):
        raise Refused(
            HTTPStatus.BAD_REQUEST,
            "malformed_host",
            "Host is no name or address with or without a port (RFC 9112 section 3.2); send one",
        )
    if environ.get("HTTP_TRANSFER_ENCODING", "chunked").lower() != "chunked":
        # Gunicorn takes gzip before chunked, and would hand the body on still compressed.
        raise Refused(
            HTTPStatus.NOT_IMPLEMENTED,
            "transfer_coding",
            "the only transfer coding this server reads is chunked",
        )
    if int(environ.get("CONTENT_LENGTH") or 0) > body_limit_bytes:
        raise too_large(body_limit_bytes)


@lru_cache(maxsize=64)
def _is_host(text: str) -> bool:
    """Whether it is well-formed; most clients ask for the same few."""
    return HOST.fullmatch(text) is not None


def too_large(limit_bytes: int) -> Refused:
    """Make the refusal of a body over the limit."""
    return Refused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "request_entity_too_large",
        f"the body is larger than the limit of {limit_bytes} bytes; send less",
    )
