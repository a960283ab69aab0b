"""Access by a token: `Authorization: Bearer <token>` (RFC 6750)."""

import hmac

from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from service.request import request


def refuse_without(token: str, what: str = "this needs a token") -> None:
    """Raise Unauthorized, saying *what* wants it, unless the request carries *token*."""
    if not _carries(token.encode()):
        raise Unauthorized(
            f"{what}; send Authorization: Bearer <token>",
            www_authenticate=WWWAuthenticate("bearer"),
        )


def _carries(token: bytes) -> bool:
    """Whether the request has the *token*; the scheme's name in any case (RFC 9110, 11.1)."""
    scheme, _, sent = request.headers.get("Authorization", "").strip().partition(" ")
    is_bearer = scheme.lower() == "bearer"
    return hmac.compare_digest(sent.strip().encode("latin-1", "replace"), token) and is_bearer
