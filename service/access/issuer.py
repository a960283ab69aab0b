"""
Tokens that an issuer signs (JWT, RFC 7519).

What a token says becomes a key like the others: `sub` its name, `scope` its scopes, `models` its
models. What has been verified is remembered until it expires.
"""

from time import time
from typing import Any

from config.api_keys import PREDICT, SCOPES, ApiKey, digest_of
from service.access.presented import CHALLENGE
from service.access.published_keys import PublishedKeys
from service.errors import KeyRefused

# Those with a public key: with a shared secret whoever checks could also sign.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "Ed25519")

# A token by a key that is not known yet has them fetched, and nobody has it done more often.
UNKNOWN_KEY_S = 10.0

# By which clocks may differ.
LEEWAY_S = 30

REMEMBERED = 4096
NAME_CHARS = 100


class Issuer:
    """Checks the tokens of one issuer for one audience, by the keys that it publishes."""

    def __init__(self, issuer: str, audience: str, keys: PublishedKeys) -> None:
        # Imported late: an optional install (make install-jwt).
        from joserfc.jwt import JWTClaimsRegistry  # noqa: PLC0415

        self._claims = JWTClaimsRegistry(
            leeway=LEEWAY_S,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        self._keys = keys
        self._verified: dict[bytes, tuple[ApiKey, float]] = {}

    def find(self, sent: str) -> ApiKey | None:
        """
        What the token that was *sent* stands for; None for what is no token.

        Raises KeyRefused for one that does not count, IssuerUnreachable without the issuer's keys.
        """
        if sent.count(".") != 2 or not sent.startswith("ey"):  # base64 of {"
            return None
        digest = digest_of(sent)
        verified = self._verified.get(digest)
        if verified is None:
            verified = self._verify(sent)
            if len(self._verified) >= REMEMBERED:
                self._verified.clear()
            self._verified[digest] = verified
        key, ends_at_s = verified
        if time() >= ends_at_s:
            raise _refused("the token has expired")
        return key

    def _verify(self, sent: str) -> tuple[ApiKey, float]:
        from joserfc.errors import ExpiredTokenError, JoseError  # noqa: PLC0415

        try:
            claims = self._decoded(sent)
            self._claims.validate(claims)
            return _key_of(claims), float(claims["exp"]) + LEEWAY_S
        except ExpiredTokenError:
            raise _refused("the token has expired") from None
        except JoseError as error:
            raise _refused(f"the token does not count here ({error.error})") from None
        except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError):
            raise _refused("the token cannot be read") from None  # it may hold anything

    def _decoded(self, sent: str) -> dict[str, Any]:
        from joserfc.errors import InvalidKeyIdError  # noqa: PLC0415
        from joserfc.jwt import decode  # noqa: PLC0415

        try:
            token = decode(sent, self._keys.current(), algorithms=ALGORITHMS)
        except InvalidKeyIdError:
            token = decode(sent, self._keys.current(UNKNOWN_KEY_S), algorithms=ALGORITHMS)
        claims: dict[str, Any] = token.claims
        return claims


def _key_of(claims: dict[str, Any]) -> ApiKey:
    """What *claims* let their subject do. Without `scope` it may predict, like a key."""
    models = _words(claims["models"]) if "models" in claims else set()
    if "models" in claims and not models:
        raise _refused("the token does not count here (models is empty)")
    scopes = _words(claims.get("scope", PREDICT))
    return ApiKey(
        name=f"jwt:{claims['sub'].encode('ascii', 'backslashreplace').decode()[:NAME_CHARS]}",
        digest=b"",
        scopes=frozenset(SCOPES) & scopes,
        models=tuple(sorted(models)),
    )


def _words(claim: Any) -> set[str]:
    """A claim as words: a text with spaces between (RFC 8693 section 4.2), or a list."""
    words = claim.split() if isinstance(claim, str) else claim
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise _refused("the token does not count here (scope or models is no text and no list)")
    return set(words)


def _refused(said: str) -> KeyRefused:
    return KeyRefused(said, f'{CHALLENGE}, error="invalid_token"')
