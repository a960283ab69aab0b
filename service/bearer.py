"""Access by a token: `Authorization: Bearer <token>` (RFC 6750)."""

import hmac

from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from service.errors import NotEnabled
from service.request import request


def refuse_without(token: str, setting: str) -> None:
    """
    Raise Unauthorized unless the request carries *token*.

    Raises NotEnabled where there is none: *setting* would have it.
    """
    if not token:
        raise NotEnabled(f"this is switched off; it takes the setting {setting}")
    if not carries(token.encode()):
        raise Unauthorized(
            "this needs a token; send Authorization: Bearer <token>",
            www_authenticate=WWWAuthenticate("bearer"),
        )


def carries(token: bytes) -> bool:
    """Whether the request has the *token*; the scheme's name in any case (RFC 9110, 11.1)."""
    scheme, _, sent = request.headers.get("Authorization", "").strip().partition(" ")
    is_bearer = scheme.lower() == "bearer"
    return hmac.compare_digest(sent.strip().encode("latin-1", "replace"), token) and is_bearer
