"""Pictures as phones take them: HEIC, AVIF, and the colours of a wide gamut."""

import io

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from service.errors import BadImage, ImageTooLarge, UnsupportedImage
from service.inference.pictures.decoding import decode
from service.inference.pictures.recipe import ImageRecipe
from tests.conftest import encoded

LIMIT = 1 << 24
WHOLE = ImageRecipe(size=(64, 96))


def quarters():
    """Four colours, none of them symmetric to another."""
    pixels = np.zeros([64, 96, 3], np.uint8)
    pixels[:32, :48], pixels[:32, 48:] = (200, 40, 30), (30, 180, 60)
    pixels[32:, :48], pixels[32:, 48:] = (40, 50, 190), (230, 220, 210)
    return Image.fromarray(pixels)


def heic(image, **options):
    buffer = io.BytesIO()
    pillow_heif.from_pillow(image).save(buffer, quality=95, **options)
    return buffer.getvalue()


def assert_near(data, expected, within=6):
    found = decode(data, WHOLE, LIMIT).astype(int)
    reference = np.asarray(expected.convert("RGB").resize((96, 64)), int)
    inner = np.s_[4:-4, 4:-4]  # chroma is halved, so edges between colours are soft
    difference = np.abs(found - reference)[inner]
    assert np.percentile(difference, 90) <= within


@pytest.mark.parametrize("form", ["HEIC", "AVIF"])
def test_a_phone_s_picture_is_what_the_reference_decoder_makes_of_it(form):
    data = heic(quarters()) if form == "HEIC" else encoded(quarters(), "AVIF", quality=95)
    if form == "HEIC":
        reference = pillow_heif.open_heif(io.BytesIO(data)).to_pillow()
    else:
        reference = Image.open(io.BytesIO(data))

    assert_near(data, reference)
    assert_near(data, quarters(), within=12)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["HEIC", "AVIF"])
def test_it_is_turned_upright(form, orientation):
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    image = quarters()
    if form == "HEIC":
        held = pillow_heif.from_pillow(image)
        held.info["exif"] = exif.tobytes()
        buffer = io.BytesIO()
        held.save(buffer, quality=95)
        data = buffer.getvalue()
    else:
        data = encoded(image, "AVIF", quality=95, exif=exif)

    upright = image.copy()
    upright.getexif()[0x0112] = orientation
    turned = ImageOps.exif_transpose(upright)
    height, width = turned.height, turned.width
    found = decode(data, ImageRecipe(size=(height, width)), LIMIT).astype(int)

    difference = np.abs(found - np.asarray(turned.convert("RGB"), int))[4:-4, 4:-4]
    assert np.percentile(difference, 90) <= 12


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_a_profile_is_honoured_as_littlecms_does(form):
    image = quarters()
    profile = display_p3()
    data = encoded(image, form, icc_profile=profile, quality=95)

    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    expected = ImageCms.profileToProfile(
        Image.open(io.BytesIO(data)).convert("RGB"), source, ImageCms.createProfile("sRGB")
    )

    assert_near(data, expected)
    assert np.abs(np.asarray(expected, int) - np.asarray(image, int)).mean() > 5


def display_p3():
    """sRGB's profile with the primaries of Display P3 (ICC.1:2022, 9.2: XYZ tags)."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(profile[128:132])
    xyz = {
        b"rXYZ": (0.51512, 0.24120, -0.00105),
        b"gXYZ": (0.29198, 0.69225, 0.04189),
        b"bXYZ": (0.15710, 0.06657, 0.78407),
    }
    for number in range(count):
        entry = 132 + 12 * number
        name, offset = (
            bytes(profile[entry : entry + 4]),
            int.from_bytes(profile[entry + 4 : entry + 8]),
        )
        for place, value in enumerate(xyz.get(name, ())):
            at = offset + 8 + 4 * place
            profile[at : at + 4] = round(value * 65536).to_bytes(4, "big", signed=True)
        if name == b"desc":
            at = bytes(profile).find("sRGB".encode("utf-16-be"), offset)
            if at >= 0:
                profile[at : at + 8] = "DsP3".encode("utf-16-be")
    return bytes(profile)


def test_a_damaged_profile_is_no_profile():
    data = encoded(quarters(), "PNG", icc_profile=b"nothing that anybody reads" * 9)

    assert_near(data, quarters())


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (encoded(quarters(), "TIFF"), "a TIFF picture"),
        (b"%PDF-1.7", "a PDF"),
        (b"\x00\x00\x00\x18ftypmp42", "a video"),
        (b"8BPS\0\1", "a Photoshop file"),
        (b"\x00\x00\x00\x0cJXL \r\n", "a JPEG XL picture"),
    ],
    ids=["tiff", "pdf", "mp4", "psd", "jxl"],
)
def test_others_are_refused_by_their_name(data, name):
    with pytest.raises(UnsupportedImage, match=name):
        decode(data, WHOLE, LIMIT)


@pytest.mark.parametrize("form", ["TIFF", "ICO", "PPM"])
def test_the_refusal_says_what_is_read(form):
    with pytest.raises(UnsupportedImage, match="JPEG, PNG, WebP, GIF, BMP, AVIF or HEIC"):
        decode(encoded(quarters(), form), WHOLE, LIMIT)


def test_the_limit_of_pixels_holds_for_all():
    for data in (heic(quarters()), encoded(quarters(), "AVIF")):
        with pytest.raises(ImageTooLarge, match="96 × 64"):
            decode(data, WHOLE, 96 * 64 - 1)


def test_half_a_picture_is_refused():
    for data in (heic(quarters()), encoded(quarters(), "AVIF")):
        with pytest.raises((BadImage, UnsupportedImage)):
            decode(data[: len(data) // 2], WHOLE, LIMIT)
