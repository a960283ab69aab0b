"""A picture's colour profile: a wide-gamut photograph becomes the colours that a browser shows."""

from functools import lru_cache
from io import BytesIO

from PIL import Image, ImageCms

# Phones write 600 bytes, presses 2 MB. Building a transform of such a one takes some 50 ms.
PROFILE_LIMIT_BYTES = 4 << 20

# The colour space of a profile (ICC.1:2022, 7.2.6) and the mode in which Pillow has its pixels.
MODES = {"RGB ": "RGB", "CMYK": "CMYK", "GRAY": "L"}


def profile_of(image: Image.Image) -> bytes:
    """The profile that *image* brings; empty for none, or one that nobody would read."""
    profile = image.info.get("icc_profile") or b""
    return profile if len(profile) <= PROFILE_LIMIT_BYTES else b""


def in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Make sRGB of *image*, whose numbers mean what *profile* says; as it is if that is damaged."""
    mode = MODES.get(profile[16:20].decode("latin-1"), "")
    if image.mode != mode:
        return image
    transform = _transform(profile, mode)
    return transform.apply(image) if transform else image


@lru_cache(maxsize=8)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """What converts to sRGB; None for a profile that cannot be used, or is sRGB itself."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return None
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
