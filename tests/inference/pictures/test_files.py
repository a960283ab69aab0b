import io
import os
import random
import struct
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from service.errors import BadImage, ImageTooLarge, ServiceError
from service.inference.pictures.decoding import ImageRecipe, decode
from tests.conftest import CAT, encoded

RECIPE = ImageRecipe(size=(224, 224), crop=0.875)
SMALL = Image.new("RGB", (64, 48), "red")
EMPTY_SCAN = b"\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x10\x00"
MB = 1 << 20


def pixels(data, **options):
    return decode(data, RECIPE, 25_000_000, **options)


def segment(marker, content):
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def jpeg_with(*segments, **options):
    whole = encoded(SMALL, "JPEG", **options)
    return whole[:2] + b"".join(segments) + whole[2:]


def chunk(name, content):
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def png_with(*chunks):
    whole = encoded(SMALL, "PNG")
    return whole[:33] + b"".join(chunks) + whole[33:]


def bmp_of_runs(width, height):
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, 4, 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 1082, 0, 0, 1078) + header + bytes(1024) + b"\1\1\0\0"


@pytest.mark.parametrize(
    ("hostile", "words"),
    [
        (jpeg_with(progressive=True)[:-2] + EMPTY_SCAN * 9000 + b"\xff\xd9", "64 scans"),
        (jpeg_with(segment(0xFE, b"") * 2_000_000), "512 segments"),
        (jpeg_with(segment(0xE1, b"Exif\0\0".ljust(250, b"x")) * 40_000), "512 segments"),
        (jpeg_with(b"\xff" * 10_000_000), "bytes between segments"),
        (jpeg_with(b"a" * 10_000_000), "bytes between segments"),
        (png_with(chunk(b"abCd", b"") * 800_000), "chunks"),
        (png_with(chunk(b"iCCP", b"k\0\0" + zlib.compress(bytes(MB), 9)) * 8000), "compressed"),
        (png_with(chunk(b"iTXt", b"k\0\1\0\0\0" + zlib.compress(bytes(MB))) * 8000), "compressed"),
    ],
    ids=["scans", "comments", "Exif", "fill", "junk", "chunks", "iCCP", "iTXt"],
)
def test_more_parts_than_any_encoder_writes_are_refused(hostile, words):
    with pytest.raises(BadImage, match=words):
        pixels(hostile)


def test_a_large_bmp_of_run_lengths_is_refused_and_a_small_one_is_read():
    with pytest.raises(ImageTooLarge, match="24000000 pixels as run lengths"):
        pixels(bmp_of_runs(24_000_000, 1))
    assert pixels(bmp_of_runs(30, 1)).shape == (224, 224, 3)


def test_scans_are_those_of_the_picture_not_of_what_its_file_has_besides():
    progressive = jpeg_with(progressive=True)
    thumbnails = segment(0xE1, b"Exif\0\0" + EMPTY_SCAN * 200)
    film = EMPTY_SCAN * 5000  # phones append a film to a picture

    assert (pixels(progressive[:2] + thumbnails + progressive[2:] + film)).shape == (224, 224, 3)


@pytest.mark.parametrize(
    ("mode", "form", "options"),
    [
        ("RGB", "JPEG", {"progressive": True, "optimize": True}),
        ("RGB", "JPEG", {"restart_marker_blocks": 1}),
        ("RGB", "JPEG", {"restart_marker_rows": 1, "subsampling": 0, "progressive": True}),
        ("RGB", "JPEG", {"icc_profile": bytes(3 * MB), "exif": b"Exif\0\0" + bytes(60_000)}),
        ("RGB", "JPEG", {"comment": b"x" * 60_000, "xmp": bytes(60_000)}),
        ("CMYK", "JPEG", {}),
        ("L", "JPEG", {"progressive": True}),
        ("RGB", "PNG", {"icc_profile": bytes(MB)}),
        ("RGB", "PNG", {"save_all": True, "append_images": [SMALL.resize((96, 64))] * 300}),
        ("P", "GIF", {"save_all": True, "append_images": [SMALL.resize((96, 64))] * 300}),
        ("RGB", "MPO", {"save_all": True, "append_images": [SMALL]}),
    ],
)
def test_what_encoders_write_is_read(mode, form, options):
    cat = Image.open(CAT).convert(mode).resize((96, 64))

    assert pixels(encoded(cat, form, **options)).shape == (224, 224, 3)


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("written", ["exif", "xmp"])
def test_a_picture_is_turned_as_pillow_turns_it(form, written, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    xmp = b'<x tiff:Orientation="%d"/>' % orientation
    options = {"exif": exif} if written == "exif" else {"xmp": xmp}
    data = encoded(Image.open(CAT).resize((90, 60)), form, **options)

    upright = encoded(ImageOps.exif_transpose(Image.open(io.BytesIO(data))), "BMP")

    assert np.array_equal(pixels(data), pixels(upright))


def test_no_exif_loses_a_picture_or_breaks_its_reading():
    chance = random.Random(3)
    upright = set()
    for _ in range(1500):
        tags = [(0x0112, 3, 1, b"\0\6\0\0")]
        for _ in range(chance.randrange(1, 8)):
            tag = chance.choice((0x8769, 0x8825, 0xA005, 0x010F, 0x014A, chance.randrange(65536)))
            tags.append((tag, chance.randrange(14), chance.randrange(5), chance.randbytes(4)))
        ifd = b"".join(struct.pack(">HHI", *entry[:3]) + entry[3] for entry in tags)
        tiff = b"MM\0*\0\0\0\x08" + struct.pack(">H", len(tags)) + ifd + bytes(64)
        data = encoded(SMALL, "PNG")[:33] + chunk(b"eXIf", tiff) + encoded(SMALL, "PNG")[33:]
        upright.add(pixels(data).shape)

    assert upright == {(224, 224, 3)}


def over_its_estimate_mb(data):
    """How much more memory a decoding takes than it asks for: in a process of its own."""
    asked_bytes = []

    @contextmanager
    def note(size_bytes):
        asked_bytes.append(size_bytes)
        yield

    read, write = os.pipe()
    child = os.fork()
    if not child:
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins here: proc(5)
        before_bytes = status_bytes("VmRSS")
        pixels(data, reserve=note)
        over_bytes = status_bytes("VmHWM") - before_bytes - asked_bytes[0]
        os.write(write, str(over_bytes / MB).encode())
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read) as answer:
        return float(answer.read())


def status_bytes(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(name))


WIDE, NARROW = (3600, 3600), (1000, 12_000)
CASES = [
    *(("JPEG", mode, size, {}) for mode in ("RGB", "L", "CMYK") for size in (WIDE, NARROW)),
    *(
        ("JPEG", mode, size, {"progressive": True, "subsampling": 0})
        for mode in ("RGB", "CMYK")
        for size in (WIDE, NARROW)
    ),
    *(("PNG", mode, WIDE, {}) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")),
    ("PNG", "P", WIDE, {"transparency": 0}),
    ("PNG", "RGB", WIDE, {"transparency": (0, 0, 0)}),
    ("GIF", "P", WIDE, {"transparency": 0}),
    ("BMP", "RGB", (1800, 1800), {}),
    ("WEBP", "RGB", WIDE, {"method": 0}),
    ("WEBP", "RGBA", WIDE, {"lossless": True, "method": 0}),
    ("WEBP", "RGBA", WIDE, {"save_all": True, "append_images": [Image.new("RGBA", WIDE, "red")]}),
]


@pytest.mark.parametrize("turned", [False, True], ids=["upright", "turned"])
@pytest.mark.parametrize(
    ("form", "mode", "size", "options"), CASES, ids=[f"{c[0]}-{c[1]}-{c[2][0]}" for c in CASES]
)
def test_a_decoding_holds_no_more_than_it_asked_for(form, mode, size, options, turned):
    exif = Image.Exif()
    exif[0x0112] = 6
    if turned and form not in {"GIF", "BMP"}:
        options = options | {"exif": exif}
    data = encoded(Image.new(mode, size), form, **options)
    pixels(encoded(SMALL, form))  # its plugin is imported before, not within

    assert over_its_estimate_mb(data) < 4


def test_a_jpeg_of_one_scan_a_component_asks_for_its_coefficients():
    whole = encoded(Image.new("RGB", WIDE), "JPEG", subsampling=0)
    start = whole.index(b"\xff\xda")
    apart = whole[:start] + b"\xff\xda\0\x08\x01\x01\0\0\x3f\0" + whole[start + 14 :]

    assert over_its_estimate_mb(apart) < 4


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_damage_anywhere_is_a_picture_or_a_refusal(form):
    chance = random.Random(form)
    picture = Image.open(CAT).resize((48, 32))
    modes = {"PNG": ("P", "RGBA", "LA", "1"), "JPEG": ("CMYK", "L"), "BMP": ("P", "L")}
    pictures = [picture, *(picture.convert(mode) for mode in modes.get(form, ()))]
    samples = [encoded(each, form) for each in pictures]
    answered = 0
    for _ in range(600):
        data = bytearray(chance.choice(samples))
        for _ in range(chance.randrange(1, 8)):
            at = chance.randrange(min(len(data), chance.choice((64, 1 << 20))))
            data[at] = chance.choice((0, 1, 127, 255, chance.randrange(256)))
        del data[chance.choice((len(data), chance.randrange(1, len(data)))) :]
        with suppress(ServiceError):
            decode(bytes(data), RECIPE, 1_000_000)
        answered += 1

    assert answered == 600
