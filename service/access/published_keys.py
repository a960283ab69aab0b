"""The keys that an issuer publishes (JWKS, RFC 7517), fetched when they are needed and kept."""

import threading
from http.client import HTTPException
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.request import urlopen

import gevent
import orjson
import structlog

from service.errors import IssuerUnreachable
from service.quiet_minute import QuietMinute

# An issuer publishes a new key well before it signs with it.
KEPT_S = 300.0

# The whole answer of an issuer may take so long; one that has failed is left alone for a while.
ANSWER_S = 3.0
PAUSE_S = 1.0

KEYS_BYTES = 1 << 20

# With a secret whoever checks could also sign: one that is published is no key.
PUBLIC = frozenset({"RSA", "EC", "OKP"})

NEVER_S = float("-inf")

log = structlog.get_logger()


class PublishedKeys:
    """The keys at *source*: an address, or the path of a file."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._keys: Any = None
        self._fetched_at_s = self._tried_at_s = NEVER_S
        self._fetching = threading.Lock()
        self._minute = QuietMinute()

    def current(self, kept_s: float = KEPT_S) -> Any:
        """
        Return them, fetched within the last *kept_s*, or else anew.

        One request fetches; meanwhile, and where the issuer does not answer, old ones are better
        than none: who signs with them is still the issuer. Raises IssuerUnreachable where there are
        none yet.
        """
        is_due = monotonic() - self._fetched_at_s >= kept_s
        if is_due and self._fetching.acquire(blocking=self._keys is None):
            try:
                if monotonic() - self._tried_at_s >= PAUSE_S:
                    self._fetch()
            finally:
                self._fetching.release()
        if self._keys is None:
            raise IssuerUnreachable(
                "the keys of the issuer of tokens cannot be had now; try again after Retry-After "
                "seconds"
            )
        return self._keys

    def _fetch(self) -> None:
        from joserfc.errors import JoseError  # noqa: PLC0415  # an optional install
        from joserfc.jwk import KeySet  # noqa: PLC0415

        try:
            published = orjson.loads(self._read())["keys"]
            usable = [key for key in published if key["kty"] in PUBLIC]
            self._keys = KeySet.import_key_set({"keys": usable})
            self._fetched_at_s = monotonic()
        except (OSError, HTTPException, ValueError, LookupError, TypeError, JoseError) as error:
            if self._minute.is_over():
                reason = f"{type(error).__name__}: {error}"
                log.error("issuer_unreachable", reason=reason[:200])  # noqa: TRY400
        finally:
            self._tried_at_s = monotonic()

    def _read(self) -> bytes:
        if "://" not in self._source:
            return Path(self._source).read_bytes()
        # urlopen's own limit is one for each piece that comes.
        late = gevent.Timeout(ANSWER_S, TimeoutError("no whole answer in time"))
        # The settings let only http:// and https:// in.
        with late, urlopen(self._source, timeout=ANSWER_S) as answer:  # noqa: S310
            content: bytes = answer.read(KEYS_BYTES)
        return content
