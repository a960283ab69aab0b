"""
HTML forms from strangers, urlencoded or multipart: bounded in fields, names and part heads.

Werkzeug's readers take 1 to 4 s for ten hostile megabytes (`a&a&…`, `a=%ff%ff…`, a million
parameters in a part's head); these go through the bytes once, in C.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

import numpy as np
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.http import parse_options_header

from service.content_coding import check_charset

URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
FORMS = frozenset({URLENCODED, MULTIPART})

FIELDS_LIMIT = 1000
PARTS_LIMIT = 100
NAME_BYTES = 1 << 10
PART_HEAD_BYTES = 4 << 10
BOUNDARY_CHARS = 70  # RFC 2046 section 5.1.1

# A field stands in memory as it was sent, decoded (also in pieces), as text, and in an answer.
FORM_FORMS = 5

# Up to here the standard library's decoder is quicker; beyond, one pass of NumPy.
SHORT_BYTES = 1 << 10
PIECE_BYTES = 128 << 10
HEX = np.full(256, 255, np.uint8)
HEX[np.frombuffer(b"0123456789", np.uint8)] = range(10)
HEX[np.frombuffer(b"abcdef", np.uint8)] = HEX[np.frombuffer(b"ABCDEF", np.uint8)] = range(10, 16)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form; *is_file* if it came with a file name."""

    name: str
    content: bytes
    is_file: bool = False

    @property
    def text(self) -> str:
        """The content as text; what is no UTF-8 shows as U+FFFD, as browsers have it."""
        return self.content.decode("utf-8", "replace")


def read_form(body: bytes, content_type: str) -> list[Field]:
    """
    Read the fields of a form in their order.

    Raises BadRequest for one that cannot be read, RequestEntityTooLarge for one of too many fields.
    """
    media_type, options = parse_options_header(content_type)
    if media_type == URLENCODED:
        return list(_urlencoded(body))
    return list(_multipart(body, options.get("boundary", "")))


def _urlencoded(body: bytes) -> Iterator[Field]:
    pairs = body.split(b"&", FIELDS_LIMIT)
    if len(pairs) > FIELDS_LIMIT:
        raise _too_many(FIELDS_LIMIT, "fields")
    for pair in filter(None, pairs):
        name, _, value = pair.partition(b"=")
        if len(name) > NAME_BYTES:
            raise _unreadable(f"a name has {len(name)} bytes, and {NAME_BYTES} are read")
        yield Field(_unquote(name).decode("utf-8", "replace"), _unquote(value))


def _unquote(text: bytes) -> bytes:
    """Undo the percent-encoding of forms, a piece at a time."""
    text = text.replace(b"+", b" ")
    if b"%" not in text:
        return text
    if len(text) <= SHORT_BYTES:
        return unquote_to_bytes(text)
    return b"".join(map(_unquote_piece, _pieces(text)))


def _pieces(text: bytes) -> Iterator[bytes]:
    """Cut *text* so that no escape is cut."""
    start = 0
    while start < len(text):
        end = start + PIECE_BYTES
        last = text.rfind(b"%", end - 2, end)
        end = last if last > start else end
        yield text[start:end]
        start = end


def _unquote_piece(piece: bytes) -> bytes:
    data = np.frombuffer(piece, np.uint8)
    at = np.flatnonzero(data[:-2] == ord("%"))
    high, low = HEX[data[at + 1]], HEX[data[at + 2]]
    is_escape = (high < 16) & (low < 16)
    at = at[is_escape]
    decoded, keep = data.copy(), np.ones(len(data), np.bool_)
    decoded[at] = high[is_escape] << 4 | low[is_escape]
    keep[at + 1] = keep[at + 2] = False
    return decoded[keep].tobytes()


def _multipart(body: bytes, boundary: str) -> Iterator[Field]:
    """The parts of RFC 7578, whose delimiters are those of RFC 2046 section 5.1.1."""
    if not 1 <= len(boundary) <= BOUNDARY_CHARS:
        raise _unreadable(
            "multipart/form-data needs a boundary of 1 to 70 characters in Content-Type; let the "
            "client's library write that field"
        )
    delimiter = b"\r\n--" + boundary.encode()
    if body.startswith(delimiter[2:]):
        at = len(delimiter) - 2
    else:
        at = _find(body, delimiter, 0, len(body)) + len(delimiter)
    if body.startswith(b"--", at):
        return
    end = _find(body, delimiter + b"--", at - len(delimiter), len(body))
    for _ in range(PARTS_LIMIT):
        if at >= end:
            return
        closing = body.find(delimiter + b"\r\n", at, end)
        closing = end if closing < 0 else closing
        yield _part(body, at, closing)
        at = closing + len(delimiter)
    if at < end:
        raise _too_many(PARTS_LIMIT, "parts")


def _find(body: bytes, delimiter: bytes, start: int, end: int) -> int:
    found = body.find(delimiter, max(0, start), end)
    if found < 0:
        raise _unreadable("the boundary that Content-Type names is not all in it; send it whole")
    return found


def _part(body: bytes, start: int, end: int) -> Field:
    """The part from behind its delimiter to the next one."""
    # The empty line may be the delimiter's own where there is no content: Werkzeug writes it so.
    head_end = body.find(b"\r\n\r\n", start, min(end + 2, start + PART_HEAD_BYTES))
    if head_end < 0:
        raise _unreadable(f"a part has no head that ends within {PART_HEAD_BYTES} bytes")
    options = _options(body[start:head_end], b"content-disposition")
    if "name" not in options:
        raise _unreadable("a part has no Content-Disposition with a name")
    is_file = "filename" in options
    charset = "" if is_file else _options(body[start:head_end], b"content-type").get("charset", "")
    if charset:
        check_charset(charset, f"the field {options['name'][:40]!r}")
    return Field(options["name"], body[head_end + 4 : end], is_file=is_file)


def _options(head: bytes, field: bytes) -> dict[str, str]:
    """The parameters of a *field* of a part's head; none where it is not there."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == field:
            _, options = parse_options_header(value.decode("utf-8", "replace").strip())
            return options
    return {}


def _unreadable(why: str) -> BadRequest:
    return BadRequest(f"the form cannot be read: {why}")


def _too_many(limit: int, what: str) -> RequestEntityTooLarge:
    return RequestEntityTooLarge(f"the form has more than {limit} {what}; send fewer")
