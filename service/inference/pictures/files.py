"""
The structure of a picture file, looked through before a decoder reads it.

What a decoder does for each scan, segment or chunk is decided by whoever made the file. So these
are counted first, and a file with more of them than cameras and editors write is refused.
"""

import re
from collections.abc import Iterator

from service.errors import BadImage, ImageTooLarge

# Encoders write 10 or so. With dense refinements 64 take 1.3 s at 25 megapixels.
SCANS_LIMIT = 64
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9

# 10 MB of Exif are 160 segments, a profile at most 255; Pillow joins Exif segments one by one.
SEGMENTS_LIMIT = 512

# Bytes between segments, which decoders skip one by one; cameras pad with a few.
PADDING_LIMIT_BYTES = 64 << 10

# Restart markers, stuffed zeros and reserved codes belong to a scan's data (T.81, B.1.1.3).
AFTER_SCAN = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")

# Any number of these may stand before a marker (T.81, B.1.1.2).
FILL = re.compile(rb"\xff+")

# Frame headers, which tell the number of components, and those of progressive ones (T.81, B.1).
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
WITHOUT_LENGTH = frozenset({0x01, 0xC8, *range(0xD0, 0xD9), *range(0xF0, 0xFE)})

# 10 MB in the smallest parts that encoders write, 1 KB; and texts and profiles of up to 1 MB each.
PNG_SIGNATURE, CHUNKS_LIMIT = b"\x89PNG\r\n\x1a\n", 10_240
COMPRESSED, COMPRESSED_LIMIT = (b"iCCP", b"iTXt", b"zTXt"), 64

# Pillow unpacks run lengths in Python, up to 80 ns a pixel, and holds the interpreter meanwhile.
RUN_LENGTHS, RUN_LENGTH_PIXELS = (1, 2), 2_000_000


def coefficient_bytes(data: bytes) -> int:
    """
    Bytes a pixel of coefficients that the decoder must hold of the whole picture: 0 for most.

    A JPEG of several scans has 2 for each component. Raises BadImage or ImageTooLarge for a
    structure that would take too long to read, in milliseconds; says nothing of other faults.
    """
    if data.startswith(b"\xff\xd8"):
        return _jpeg(data)
    if data.startswith(PNG_SIGNATURE):
        _check_chunks(data)
    elif data.startswith(b"BM"):
        _check_run_lengths(data)
    return 0


def _jpeg(data: bytes) -> int:
    components, progressive, scans, held_bytes = 0, False, 0, 0
    # No scan is without these two bytes, and in most files their number says enough.
    few_scans = data.count(b"\xff\xda") <= SCANS_LIMIT
    for marker, at in _segments(data):
        if marker in FRAMES:
            components, progressive = _byte(data, at + 7), marker in PROGRESSIVE
        elif marker == START_OF_SCAN:
            if not scans and (progressive or _byte(data, at + 2) < components):
                held_bytes = 2 * components
            if few_scans:
                break
            scans += 1
            _limit(scans, SCANS_LIMIT, "scans in the JPEG")
    return held_bytes


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """The marker of each segment and where its length stands, as far as the picture goes."""
    at, padding_bytes, segments = 2, 0, 0
    while (start := data.find(b"\xff", at)) >= 0:
        code = FILL.match(data, start).end()  # type: ignore[union-attr]  # one stands there
        padding_bytes += code - 1 - at
        _limit(padding_bytes, PADDING_LIMIT_BYTES, "bytes between segments in the JPEG")
        marker, at = _byte(data, code), code + 1
        if marker == END_OF_IMAGE:
            return
        segments += marker != START_OF_SCAN
        _limit(segments, SEGMENTS_LIMIT, "segments in the JPEG")
        if marker not in WITHOUT_LENGTH:
            yield marker, at
            at += max(2, int.from_bytes(data[at : at + 2]))
        if marker == START_OF_SCAN:
            found = AFTER_SCAN.search(data, at)
            at = found.start() if found else len(data)


def _check_chunks(data: bytes) -> None:
    """Count the chunks (PNG, 5.3): a length, a name, so many bytes, and four to check them."""
    at, chunks, compressed = len(PNG_SIGNATURE), 0, 0
    while at + 8 <= len(data) and chunks <= CHUNKS_LIMIT:
        chunks += 1
        compressed += data[at + 4 : at + 8] in COMPRESSED
        at += int.from_bytes(data[at : at + 4]) + 12
    _limit(chunks, CHUNKS_LIMIT, "chunks in the PNG")
    _limit(compressed, COMPRESSED_LIMIT, "compressed texts and profiles in the PNG")


def _check_run_lengths(data: bytes) -> None:
    """Refuse a large BMP of run lengths (BITMAPINFOHEADER: sizes at 18 and 22, kind at 30)."""
    width, height, compression = (int.from_bytes(data[i : i + 4], "little") for i in (18, 22, 30))
    pixels = width * min(height, (1 << 32) - height)
    if compression in RUN_LENGTHS and pixels > RUN_LENGTH_PIXELS:
        raise ImageTooLarge(
            f"the BMP has {pixels} pixels as run lengths, of which {RUN_LENGTH_PIXELS} are read; "
            "save it without compression"
        )


def _byte(data: bytes, at: int) -> int:
    return data[at] if at < len(data) else 0


def _limit(found: int, most: int, what: str) -> None:
    if found > most:
        raise BadImage(f"there are more than {most} {what}, which is the most read; save it anew")
