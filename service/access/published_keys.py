"""The keys that an issuer publishes (JWKS, RFC 7517), fetched when they are needed and kept."""

import threading
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.request import urlopen

import orjson
import structlog

from service.errors import IssuerUnreachable
from service.quiet_minute import QuietMinute

# An issuer publishes a new key well before it signs with it.
KEPT_S = 300.0

# Where the issuer does not answer, it is left alone for so long.
PAUSE_S = 1.0
ANSWER_S = 3.0

KEYS_BYTES = 1 << 20

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

        Old ones are better than none: who signs with them is still the issuer. Raises
        IssuerUnreachable where there are none yet.
        """
        if monotonic() - self._fetched_at_s >= kept_s:
            with self._fetching:  # others wait for the one that fetches
                is_due = monotonic() - self._fetched_at_s >= kept_s
                if is_due and monotonic() - self._tried_at_s >= PAUSE_S:
                    self._fetch()
        if self._keys is None:
            raise IssuerUnreachable(
                "the keys of the issuer of tokens cannot be had now; try again after Retry-After "
                "seconds"
            )
        return self._keys

    def _fetch(self) -> None:
        from joserfc.errors import JoseError  # noqa: PLC0415  # an optional install
        from joserfc.jwk import KeySet  # noqa: PLC0415

        self._tried_at_s = monotonic()
        try:
            self._keys = KeySet.import_key_set(orjson.loads(self._read()))
        except (OSError, ValueError, KeyError, TypeError, JoseError) as error:
            if self._minute.is_over():
                log.error("issuer_unreachable", reason=f"{type(error).__name__}: {error}")  # noqa: TRY400
            return
        self._fetched_at_s = monotonic()

    def _read(self) -> bytes:
        if "://" not in self._source:
            return Path(self._source).read_bytes()
        # The settings let only http:// and https:// in.
        with urlopen(self._source, timeout=ANSWER_S) as answer:  # noqa: S310
            content: bytes = answer.read(KEYS_BYTES)
        return content
