import struct
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from config.settings import IMAGE_LIMIT_PIXELS
from service.errors import BadImage, ImageTooLarge, NoRoom, UnsupportedImage
from service.inference.pictures.decoding import ImageRecipe, decode
from tests.conftest import CAT, encoded

pillow_heif.register_heif_opener()  # to write such pictures
RECIPE = ImageRecipe(size=(224, 224), crop=0.875)


def pixels(data, limit_pixels=IMAGE_LIMIT_PIXELS):
    return decode(data, RECIPE, limit_pixels).astype(int)


@pytest.fixture(scope="module")
def cat():
    return Image.open(CAT).convert("RGB")


@pytest.fixture(scope="module")
def reference(cat):
    return pixels(encoded(cat, "PNG"))


def mean_difference(one, other):
    return np.abs(one - other).mean()


def test_the_array_is_what_the_recipe_asks(reference):
    assert reference.shape == (224, 224, 3)


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "BMP", "PNG", "GIF"])
def test_every_format_gives_nearly_the_same_pixels(cat, reference, form):
    assert mean_difference(pixels(encoded(cat, form)), reference) < 8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_honoured(cat, reference, orientation):
    # What each orientation asks the viewer to undo (EXIF 2.32, tag 0x0112).
    stored = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    sideways = cat if stored is None else cat.transpose(stored)

    assert mean_difference(pixels(encoded(sideways, "PNG", exif=exif)), reference) < 1


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")  # as images.py sets
def test_damaged_exif_does_not_lose_the_picture(cat, reference):
    damaged = b"Exif\x00\x00MM\x00*" + struct.pack(">IH", 8, 9) + b"\xff" * 20

    assert mean_difference(pixels(encoded(cat, "JPEG", exif=damaged)), reference) < 8


def test_transparency_becomes_white():
    clear = Image.new("RGBA", (300, 300), (0, 0, 0, 0))
    half = Image.new("LA", (300, 300), (0, 128))
    indexed = Image.new("P", (300, 300), 0)

    assert (pixels(encoded(clear, "PNG")) == 255).all()
    assert (pixels(encoded(clear, "WEBP", lossless=True)) == 255).all()
    assert (abs(pixels(encoded(half, "PNG")) - 127) <= 1).all()
    assert (pixels(encoded(indexed, "PNG", transparency=0)) == 255).all()


def test_palette_grey_bilevel_and_cmyk(cat, reference):
    grey = cat.convert("L")
    shades = pixels(encoded(grey, "JPEG"))

    assert mean_difference(pixels(encoded(cat.convert("P"), "PNG")), reference) < 15
    assert (shades[..., 0] == shades[..., 1]).all()
    assert set(np.unique(pixels(encoded(Image.new("1", (300, 300), 1), "PNG")))) == {255}
    assert mean_difference(pixels(encoded(cat.convert("CMYK"), "JPEG")), reference) < 8


def test_sixteen_bits_keep_their_shades(cat):
    grey = cat.convert("L")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)

    assert mean_difference(pixels(encoded(deep, "PNG")), pixels(encoded(grey, "PNG"))) < 1


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_an_animation_is_its_first_frame(cat, form):
    black = Image.new("RGB", cat.size)
    options = {"lossless": True} if form == "WEBP" else {}
    moving = encoded(cat, form, save_all=True, append_images=[black], duration=100, **options)

    assert mean_difference(pixels(moving), pixels(encoded(cat, form, **options))) < 2


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (3, 700)])
def test_any_shape_fits(size):
    picture = encoded(Image.new("RGB", size, "red"), "PNG")

    assert (abs(pixels(picture) - (255, 0, 0)) <= 1).all()


def test_a_large_jpeg_is_decoded_at_reduced_scale(cat, reference, monkeypatch):
    large = encoded(cat.resize((4000, 2660)), "JPEG", quality=90)
    loaded = []
    load = Image.Image.load
    monkeypatch.setattr(Image.Image, "load", lambda i: loaded.append(i.size) or load(i))

    found = pixels(large)

    assert max(loaded) == (1000, 665)
    assert mean_difference(found, reference) < 8


def test_too_many_pixels_are_refused_before_any_is_decoded(monkeypatch):
    bombs = [encoded(Image.new("1", (6000, 6000)), form) for form in ("PNG", "GIF", "BMP")]
    bombs += [encoded(Image.new("RGB", (6000, 6000)), form) for form in ("JPEG", "WEBP")]
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("decoded"))

    for bomb in bombs:
        with pytest.raises(ImageTooLarge, match=r"6000 × 6000 = 36000000 .* limit of 25000000"):
            pixels(bomb)


def test_the_limit_itself_is_within_it():
    picture = encoded(Image.new("L", (100, 100)), "PNG")

    assert pixels(picture, limit_pixels=10_000).shape == (224, 224, 3)
    with pytest.raises(ImageTooLarge):
        pixels(picture, limit_pixels=9_999)


def test_every_truncation_is_refused(cat):
    whole = encoded(cat.resize((64, 64)), "PNG")

    for length in range(1, len(whole) - 12, 97):  # the last chunk, IEND, holds no pixels
        with pytest.raises((BadImage, UnsupportedImage)):
            pixels(whole[:length])


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF", "HEIF"])
def test_damaged_bytes_are_decoded_or_refused_but_nothing_else(cat, form):
    whole = bytearray(encoded(cat.resize((96, 64)), form))
    chance = np.random.default_rng(7)
    outcomes = set()

    for _ in range(300):
        damaged = bytearray(whole)
        for place in chance.integers(0, len(damaged), 5):
            damaged[place] = chance.integers(0, 256)
        try:
            outcomes.add(pixels(bytes(damaged), limit_pixels=1_000_000).shape)
        except (BadImage, UnsupportedImage, ImageTooLarge) as error:
            outcomes.add(type(error))

    assert outcomes <= {(224, 224, 3), BadImage, UnsupportedImage, ImageTooLarge}


def test_a_jpeg_of_thousands_of_scans_is_refused_before_it_is_decoded(cat):
    progressive = encoded(cat, "JPEG", progressive=True)
    empty = b"\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x10\x00"
    hostile = progressive[:-2] + empty * 9000 + b"\xff\xd9"

    with pytest.raises(BadImage, match="more than 64 scans"):
        pixels(hostile)
    assert pixels(progressive).shape == (224, 224, 3)


def test_memory_is_asked_for_before_a_pixel_is_decoded():
    asked = []

    @contextmanager
    def refuse(size_bytes):
        asked.append(size_bytes)
        raise NoRoom("no", size_bytes)
        yield

    truncated = encoded(Image.new("RGB", (1000, 500)), "PNG")[:100]
    with pytest.raises(NoRoom):
        decode(truncated, RECIPE, IMAGE_LIMIT_PIXELS, refuse)

    assert asked[0] > 1000 * 500 * 3


@pytest.mark.parametrize(
    "arguments",
    [
        ("JPEG", "RGB"),
        ("JPEG", "RGB", "progressive"),
        ("PNG", "RGB"),
        ("PNG", "RGBA"),
        ("PNG", "LA"),
        ("PNG", "P", "transparency"),
        ("PNG", "I;16"),
        ("GIF", "P", "transparency"),
        ("BMP", "RGB"),
        ("WEBP", "RGB", "lossless"),
        ("WEBP", "RGBA", "lossless", "exact"),
        ("AVIF", "RGB"),
        ("AVIF", "RGBA"),
        ("HEIF", "RGB"),
        ("HEIF", "RGBA"),
    ],
)
def test_a_picture_holds_no_more_than_it_asked_for(arguments):
    side = 3000
    measured = subprocess.run(
        [sys.executable, "-m", "tests.inference.pictures.decode_peak", str(side), *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    asked_bytes, peak_bytes = map(int, measured.stdout.split())

    assert peak_bytes < asked_bytes + (4 << 20)
    assert asked_bytes < 21 * side * side + (16 << 20)


@pytest.mark.parametrize(
    ("mode", "options"),
    [("RGBA", {}), ("P", {"transparency": 255}), ("LA", {}), ("L", {}), ("I;16", {})],
)
@pytest.mark.parametrize("size", [(2500, 1700), (900, 3100), (20_000, 60)])
def test_a_large_picture_looks_like_itself_made_rgb_first(mode, options, size):
    gradient = Image.radial_gradient("L").resize(size)
    image = gradient.convert("I") if mode == "I;16" else gradient.convert(mode)
    image = image.point(lambda grey: grey * 256) if mode == "I;16" else image
    whole = decode(encoded(gradient.convert("RGB"), "PNG"), RECIPE, IMAGE_LIMIT_PIXELS)

    picture = decode(encoded(image.convert(mode), "PNG", **options), RECIPE, IMAGE_LIMIT_PIXELS)

    assert np.abs(picture.astype(int) - whole.astype(int)).max() <= 3
