"""
Compressed bodies (RFC 9110 section 8.4), expanded within a limit.

gzip and deflate are read with the standard library; zstd and br where something that reads them is
installed. What comes out is counted, a step at a time, before there is more of it.
"""

import zlib
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from io import BytesIO
from typing import Any, Protocol, TypeAlias

from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from service.faults import Told

# What is expanded at once, so that other threads have their turn and the limit is kept.
STEP_BYTES = 64 << 10

# UTF-8, and what is a part of it, by the names that clients give them.
CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})

# A list of codings, one in another, is as long as its sender likes; none has a use for two.
CODINGS_LIMIT = 1

Grow: TypeAlias = Callable[[int], None]


class Expander(Protocol):
    """Expands one body."""

    def pieces(self, body: bytes) -> Iterator[bytes]:
        """Expand *body* in pieces of STEP_BYTES or so. Raises what its library does."""


class ZlibExpander:
    """gzip (RFC 1952), in any number of members; deflate (RFC 1950, or as some send it, 1951)."""

    def __init__(self, window_bits: int) -> None:
        self._window_bits = window_bits

    def pieces(self, body: bytes) -> Iterator[bytes]:
        """Expand; raises zlib.error, or ValueError for what is cut short."""
        left = body
        while left:
            expander = zlib.decompressobj(self._bits_for(left))
            while not expander.eof:
                piece = expander.decompress(left, STEP_BYTES)
                left = expander.unconsumed_tail
                if piece:
                    yield piece
                elif not left and not expander.eof:
                    raise ValueError("it ends too soon")
            left = expander.unused_data.lstrip(b"\0")  # padding is allowed (gzip(1))

    def _bits_for(self, data: bytes) -> int:
        """The window, negative for a deflate without zlib's head of two bytes (RFC 1950, 2.2)."""
        is_zlib = data[0] & 0x0F == 8 and int.from_bytes(data[:2]) % 31 == 0
        is_bare = self._window_bits == zlib.MAX_WBITS and not is_zlib
        return -zlib.MAX_WBITS if is_bare else self._window_bits


class ZstdExpander:
    """zstd (RFC 8878), by the package zstandard."""

    def pieces(self, body: bytes) -> Iterator[bytes]:
        """Expand; raises zstandard.ZstdError."""
        import zstandard  # noqa: PLC0415  # where it is installed

        # 8 MB: the window that RFC 8878 asks every reader for.
        with zstandard.ZstdDecompressor(max_window_size=8 << 20).stream_reader(
            BytesIO(body), read_across_frames=True
        ) as reader:
            while piece := reader.read(STEP_BYTES):
                yield piece


class BrotliExpander:
    """br (RFC 7932), by the package brotli."""

    def pieces(self, body: bytes) -> Iterator[bytes]:
        """Expand; raises brotli.error, or ValueError for what is cut short."""
        import brotli  # noqa: PLC0415  # where it is installed

        expander: Any = brotli.Decompressor()
        data = body
        while not expander.is_finished():
            piece = expander.process(data, output_buffer_limit=STEP_BYTES)
            data = b""
            if piece:
                yield piece
            elif expander.can_accept_more_data():
                raise ValueError("it ends too soon")


def expanders() -> dict[str, Expander]:
    """What can be read here, by the names of codings (RFC 9110 section 8.4.1)."""
    gzip = ZlibExpander(zlib.MAX_WBITS | 16)
    found: dict[str, Expander] = {
        "gzip": gzip,
        "x-gzip": gzip,
        "deflate": ZlibExpander(zlib.MAX_WBITS),
    }
    if find_spec("zstandard"):
        found["zstd"] = ZstdExpander()
    if find_spec("brotli") and _brotli_is_bounded():
        found["br"] = BrotliExpander()
    return found


def _brotli_is_bounded() -> bool:
    """Whether the installed one can stop at a limit (brotli 1.2)."""
    import brotli  # noqa: PLC0415  # where it is installed

    return hasattr(brotli.Decompressor, "can_accept_more_data")


def codings_of(field: str) -> list[str]:
    """The codings that *field*, `Content-Encoding`, names, as they were applied."""
    names = (name.strip(" \t").lower() for name in field.split(","))
    return [name for name in names if name not in {"", "identity"}]


def check_charset(charset: str, what: str) -> None:
    """Raise UnsupportedMediaType, naming *what* has it, unless it is UTF-8 or a part of it."""
    if charset.strip().lower() not in CHARSETS:
        raise UnsupportedMediaType(
            Told(
                f"{what} has charset {charset[:40]!r}; send it in UTF-8",
                f"{what} has another charset; send it in UTF-8",
            )
        )


def expand(body: bytes, coding: str, expander: Expander, limit_bytes: int, grow: Grow) -> bytes:
    """
    Expand *body*, of at most *limit_bytes*; *grow* is told of each step before it is kept.

    Raises RequestEntityTooLarge, BadRequest for what is not of the *coding*, and what *grow* does.
    """
    expanded = bytearray()
    pieces = expander.pieces(body)
    while True:
        try:
            piece = next(pieces, b"")
        except Exception:  # noqa: BLE001  # each library has its own
            raise BadRequest(
                f"the body is not {coding}, as Content-Encoding says, or not whole; send it whole, "
                "or without Content-Encoding"
            ) from None
        if not piece:
            return bytes(expanded)
        if len(expanded) + len(piece) > limit_bytes:
            raise RequestEntityTooLarge(
                f"the body is larger than the limit of {limit_bytes} bytes once it is expanded; "
                "send less"
            )
        grow(len(piece))
        expanded += piece
