"""
A decoded picture of any mode made RGB, and smaller where it is much larger than a model wants.

A large picture is converted strip by strip, so that it never stands in memory in two forms.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from PIL import Image

# Pixels that are converted at once, and what one of them takes meanwhile at most: as RGBA, over
# white, together, as RGB.
STRIP_PIXELS, CONVERTING_BYTES = 1 << 19, 24

# Bytes a pixel as decoded, by mode; 4 for all others (Pillow keeps three channels in four bytes).
DECODED_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}

# The decoders' planes and canvases and Pillow's copies of them: measured as a process's peak at 25
# megapixels.
CODEC_BYTES = {"WEBP": 20, "AVIF": 12, "HEIF": 9}

# Each form that the picture stands in as RGB: made from another mode, reduced, turned upright.
RGB_BYTES = 4


class Header(Protocol):
    """What a picture tells before it is decoded, as Pillow's Image has it."""

    @property
    def format(self) -> str | None: ...  # noqa: D102
    @property
    def mode(self) -> str: ...  # noqa: D102
    @property
    def width(self) -> int: ...  # noqa: D102
    @property
    def height(self) -> int: ...  # noqa: D102
    @property
    def has_transparency_data(self) -> bool: ...  # noqa: D102


def cost_bytes(image: Header, factor: int) -> int:
    """What decoding *image* and `reduced_rgb` hold at once, but for a JPEG's coefficients."""
    decoded = CODEC_BYTES.get(image.format or "", DECODED_BYTES.get(image.mode, 4))
    pixels = image.width * image.height
    strip_rows = 0 if _is_rgb(image) else min(_strip_rows(image, factor), image.height)
    forms = 1 if _is_rgb(image) and factor == 1 else 2
    return (
        pixels * decoded
        + strip_rows * image.width * CONVERTING_BYTES
        + pixels * RGB_BYTES * forms // (factor * factor)
    )


def reduced_rgb(
    image: Image.Image, factor: int, in_srgb: Callable[[Image.Image], Image.Image] = lambda it: it
) -> Image.Image:
    """
    Make RGB of *image*, each pixel the mean of a square of *factor* pixels a side.

    *in_srgb* makes sRGB of what its colour profile is of, and leaves other modes as they are.
    """
    if _is_rgb(image):
        return in_srgb(image if factor == 1 else image.reduce(factor))
    rows = _strip_rows(image, factor)
    if factor == 1 and rows >= image.height:
        return in_srgb(_rgb(in_srgb(image)))
    size = -(-image.width // factor), -(-image.height // factor)
    reduced = Image.new("RGB", size)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        reduced.paste(_rgb(in_srgb(strip)).reduce(factor), (0, top // factor))
    return in_srgb(reduced)


def _is_rgb(image: Header) -> bool:
    return image.mode == "RGB" and not image.has_transparency_data


def _strip_rows(image: Header, factor: int) -> int:
    """So many rows at once, a multiple of *factor*."""
    return max(1, STRIP_PIXELS // image.width // factor) * factor


def _rgb(image: Image.Image) -> Image.Image:
    """Any mode to RGB: 16-bit grey by its high byte, transparency over white."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        opaque = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(opaque, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")
