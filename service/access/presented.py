"""The key that a request carries: `Authorization: Bearer` (RFC 6750) or `X-API-Key`."""

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from service.errors import KeyRefused

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

BEARER = "HTTP_AUTHORIZATION"
FIELD = "HTTP_X_API_KEY"
HOW = "send Authorization: Bearer <key>, or X-API-Key: <key>"

# What others call a key in a query; anything else there may be a feature's name.
IN_QUERIES = frozenset({"api_key", "apikey", "api-key", "x-api-key", "access_token", "key"})

CHALLENGE = 'Bearer realm="weir"'


def key_in(environ: "WSGIEnvironment") -> str:
    """
    Read the key, which is empty where there is none.

    Raises KeyRefused for two that differ, and for Authorization by another scheme alone.
    """
    sent: str | None = environ.get(BEARER)
    if sent is not None and sent.startswith("Bearer ") and FIELD not in environ:  # as most do
        return sent[7:].strip()
    field: str = environ.get(FIELD, "").strip()
    if sent is None:
        return field
    scheme, _, credentials = sent.strip().partition(" ")
    if scheme.lower() != "bearer":  # in any case (RFC 9110 section 11.1)
        if field:
            return field  # a proxy's own, such as Basic
        raise KeyRefused(f"Authorization is by another scheme than Bearer; {HOW}", CHALLENGE)
    key: str = credentials.strip()
    if field and key and field != key:
        raise KeyRefused("Authorization and X-API-Key carry two keys; send one", CHALLENGE)
    return key or field


def missing(environ: "WSGIEnvironment", scope: str) -> KeyRefused:
    """Make the refusal of a request without a key for what is of that *scope*."""
    names = {name.lower() for name in parse_qs(environ.get("QUERY_STRING", ""))}
    if names & IN_QUERIES:
        return KeyRefused(
            "a key in the address is not read, for proxies write addresses into their logs: "
            f"make another, and {HOW}",
            CHALLENGE,
        )
    return KeyRefused(f"this needs a key for {scope}; {HOW}", CHALLENGE)


def unknown() -> KeyRefused:
    """Make the refusal of a key that is none."""
    return KeyRefused(
        "the key is none that is known here, or no longer", f'{CHALLENGE}, error="invalid_token"'
    )
