"""Which picture files are read, and which are known by name and refused."""

from io import BytesIO

from PIL import Image, UnidentifiedImageError

from service.errors import BadImage, ImageTooLarge, UnsupportedImage

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF")
LISTED = "JPEG, PNG, WebP, GIF, BMP, AVIF or HEIC"

# ISO 14496-12: a file begins with its brand. These are HEIC's (ISO 23008-12, annex B).
FTYP, BRAND = slice(4, 8), slice(8, 12)
HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})

# What people send besides, by its first bytes.
OTHERS = {
    b"II*\0": "a TIFF picture (or a camera's raw file)",
    b"MM\0*": "a TIFF picture (or a camera's raw file)",
    b"II+\0": "a BigTIFF picture",
    b"MM\0+": "a BigTIFF picture",
    b"\xff\x0a": "a JPEG XL picture",
    b"\0\0\0\x0cJXL ": "a JPEG XL picture",
    b"\0\0\0\x0cjP  ": "a JPEG 2000 picture",
    b"8BPS": "a Photoshop file",
    b"%PDF": "a PDF",
    b"<svg": "an SVG drawing",
    b"<?xml": "an SVG or XML file",
    b"\0\0\1\0": "an icon (ICO)",
    b"version https://git-lfs": "a Git LFS pointer, not the picture itself",
}
VIDEO_BRANDS = (b"isom", b"mp41", b"mp42", b"qt  ", b"M4V ", b"avc1", b"iso2", b"iso5", b"iso6")

AVIF_BRANDS = frozenset({b"avif", b"avis"})


def open_picture(data: bytes, limit_pixels: int) -> Image.Image:
    """Read the header. Raises BadImage, UnsupportedImage or ImageTooLarge."""
    if not data:
        raise BadImage("the picture is empty (0 bytes); send the bytes of an image file")
    formats: tuple[str, ...] = FORMATS
    brand = data[BRAND] if data[FTYP] == b"ftyp" else b""
    if brand in HEIF_BRANDS:
        _know_heif()
        formats = ("HEIF",)
    elif brand in AVIF_BRANDS:
        _know_avif()
    try:
        image = Image.open(BytesIO(data), formats=formats)
    except UnidentifiedImageError:
        raise UnsupportedImage(
            f"these {len(data)} bytes are {_name(data)}; send {LISTED}"
        ) from None
    pixels = image.width * image.height
    if pixels > limit_pixels:
        raise ImageTooLarge(
            f"the picture has {image.width} × {image.height} = {pixels} pixels, "
            f"more than the limit of {limit_pixels}; send a smaller one"
        )
    return image


def _know_heif() -> None:
    """Let Pillow open HEIC; 6 MB and 0.2 s that nobody pays who gets none."""
    import pillow_heif  # noqa: PLC0415  # as the docstring says

    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, decode_threads=1)


def _know_avif() -> None:
    """Let one thread decode an AVIF: how many pictures are decoded at once is decided elsewhere."""
    from PIL import AvifImagePlugin  # noqa: PLC0415  # 2 MB that nobody pays who gets none

    AvifImagePlugin.DEFAULT_MAX_THREADS = 1


def _name(data: bytes) -> str:
    for start, name in OTHERS.items():
        if data.lstrip()[: len(start)] == start or data.startswith(start):
            return name
    if data[FTYP] == b"ftyp" and data[BRAND] in VIDEO_BRANDS:
        return "a video"
    return "not a picture of a known kind"
