"""
Answers compressed with gzip for whoever wants it, where that pays.

Only what repeats nothing of what its request has sent: where a secret stands beside what another
could choose, the length of what they become together tells of the secret (BREACH). So the echo and
every error go as they are. Figures: `python -m load.benchmarks.compressing`.
"""

import zlib
from functools import lru_cache

from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

CODING = "gzip"
NAMES = (CODING, "x-gzip")  # RFC 9110 section 8.4.1.3

# What can be made, as zlib knows it (RFC 1952, RFC 1950).
WINDOWS = {CODING: zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}

# Of less, the fields of the head are most.
LEAST_BYTES = 1 << 10

# What is larger is compressed beside the hub: so much takes about a tenth of a millisecond.
INLINE_BYTES = 16 << 10

# For so long an answer waits for the thread that compresses; then it goes as it is.
WAIT_S = 0.1

# Higher levels take 1.5 to 10 times as long, for a few hundredths of the bytes; what is made once
# and sent many times has the highest.
QUICKLY, SMALLEST = 1, 9

# Longer fields are parsed each time rather than remembered.
KNOWN_FIELD_CHARS = 200


def wants_gzip(field: str) -> bool:
    """
    Whether *field*, `Accept-Encoding`, takes gzip, and no other way rather (RFC 9110, 12.5.3).

    `identity;q=0` without gzip asks for what is not here, and gets the answer as it is.
    """
    if not field:
        return False
    return (_known if len(field) <= KNOWN_FIELD_CHARS else _wants)(field)


def _wants(field: str) -> bool:
    qualities = {name.lower(): quality for name, quality in parse_accept_header(field, Accept)}
    of_others = qualities.get("*", 0.0)
    quality = max((qualities[name] for name in NAMES if name in qualities), default=of_others)
    return quality > 0 and quality >= qualities.get("identity", 0.0)


_known = lru_cache(maxsize=64)(_wants)


def pack(body: bytes, level: int = QUICKLY, coding: str = CODING) -> bytes:
    """Compress *body* by a *coding* of WINDOWS; the same bytes become the same."""
    packer = zlib.compressobj(level, wbits=WINDOWS[coding])
    return packer.compress(body) + packer.flush()
