"""
A request's body, read whole or not at all, at a bounded cost for each byte of it.

Gunicorn's own reader of chunks costs some microseconds a chunk, whatever is in it, and counts
neither extensions nor trailers; here every byte on the wire counts.
"""

import re
from collections.abc import Callable
from io import BytesIO
from typing import Any

from gunicorn.http.body import CHUNK_EXT_RE
from gunicorn.http.errors import (
    ChunkMissingTerminator,
    InvalidChunkExtension,
    InvalidChunkSize,
    LimitRequestHeaders,
)

from service.inference.account import UNCOUNTED_BYTES
from service.wire.admission import too_large
from service.wire.reader import RECEIVE_BYTES, SocketReader
from service.wire.refusals import cut_short, excessive_framing

# The framing of chunks may take so much, and once more what the body has so far.
FRAMING_BYTES = 64 << 10

SIZE_LINE_BYTES = 256
TRAILERS_BYTES = 8 << 10
CHUNK_SIZE = re.compile(rb"[0-9a-fA-F]{1,16}")

# Room is asked for in steps of this size, so that a body holds what has come, not what it declares.
ROOM_STEP_BYTES = 256 << 10

Room = Callable[[int], None]


class BodyReader:
    """Reads one body of *limit_bytes* at most."""

    def __init__(self, reader: SocketReader, limit_bytes: int, make_room: Room) -> None:
        """*make_room* is told before the body grows by so many bytes; what it raises passes on."""
        self._reader = reader
        self._limit_bytes = limit_bytes
        self._make_room = make_room
        self._room_bytes = UNCOUNTED_BYTES
        self._body = BytesIO()
        self._data, self._at = b"", 0
        self._framing_bytes = 0

    def read_declared(self, size_bytes: int) -> bytes:
        """Read a body of *size_bytes*. Raises TimeoutError or Refused."""
        self._limit_bytes = size_bytes
        self._copy(size_bytes)
        return self._whole()

    def read_chunked(self, request: Any) -> bytes:
        """Read chunks and trailers (RFC 9112 section 7.1). Raises ParseException, too."""
        while size_bytes := self._chunk_size():
            if self._body.tell() + size_bytes > self._limit_bytes:
                raise too_large(self._limit_bytes)
            self._copy(size_bytes)
            self._end_chunk()
            self._reader.turn()
        self._read_trailers(request)
        return self._whole()

    def close(self) -> None:
        """Let go of what has been read, whoever may still hold this reader."""
        self._body.close()
        self._data = b""

    def _whole(self) -> bytes:
        self._reader.unread(self._data[self._at :])
        return self._body.getvalue()

    def _copy(self, size_bytes: int) -> None:
        """Move the next *size_bytes* into the body."""
        end = self._body.tell() + size_bytes
        while (left := end - self._body.tell()) > 0:
            if self._at == len(self._data):
                self._data, self._at = self._receive(left), 0
            piece = self._data[self._at : self._at + left]
            self._reach(self._body.tell() + len(piece))
            self._body.write(piece)
            self._at += len(piece)

    def _reach(self, size_bytes: int) -> None:
        """Make room for a body of *size_bytes*, and some steps ahead of it."""
        if size_bytes > self._room_bytes:
            room_bytes = min(self._limit_bytes, self._room_bytes + ROOM_STEP_BYTES)
            room_bytes = max(size_bytes, room_bytes)
            self._make_room(room_bytes - self._room_bytes)
            self._room_bytes = room_bytes

    def _receive(self, wanted_bytes: int) -> bytes:
        data: bytes = self._reader.read(None, read_ahead=min(wanted_bytes, RECEIVE_BYTES))
        if not data:
            raise cut_short()
        return data

    def _line(self, limit_bytes: int) -> bytes | None:
        """The next line without its CRLF; None if it is longer than *limit_bytes*."""
        while (end := self._data.find(b"\r\n", self._at, self._at + limit_bytes)) < 0:
            if len(self._data) - self._at >= limit_bytes:
                return None
            self._data, self._at = self._data[self._at :] + self._receive(limit_bytes), 0
        line = self._data[self._at : end]
        self._at = end + 2
        self._count_framing(len(line) + 2)
        return line

    def _count_framing(self, size_bytes: int) -> None:
        self._framing_bytes += size_bytes
        if self._framing_bytes > FRAMING_BYTES + self._body.tell():
            raise excessive_framing()

    def _chunk_size(self) -> int:
        line = self._line(SIZE_LINE_BYTES)
        if line is None or b"\n" in line:
            raise InvalidChunkSize(b"")
        size, semicolon, extension = line.partition(b";")
        if semicolon and not CHUNK_EXT_RE.fullmatch(semicolon + extension):
            raise InvalidChunkExtension("")
        size = size.rstrip(b" \t") if semicolon else size
        if not CHUNK_SIZE.fullmatch(size):
            raise InvalidChunkSize(b"")
        return int(size, 16)

    def _end_chunk(self) -> None:
        while len(self._data) - self._at < 2:
            self._data, self._at = self._data[self._at :] + self._receive(RECEIVE_BYTES), 0
        if self._data[self._at : self._at + 2] != b"\r\n":
            raise ChunkMissingTerminator(b"")
        self._at += 2
        self._count_framing(2)

    def _read_trailers(self, request: Any) -> None:
        """Check the trailers, and leave them: no route of this service has a use for any."""
        lines, size_bytes = [], 0
        while line := self._line(TRAILERS_BYTES):
            size_bytes += len(line)
            lines.append(line)
            if size_bytes > TRAILERS_BYTES:
                break
        if line is None or size_bytes > TRAILERS_BYTES:
            raise LimitRequestHeaders("trailers")
        if lines:
            request.parse_headers(b"\r\n".join(lines), from_trailer=True)
