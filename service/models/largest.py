"""What the largest requests hold of a worker's memory, by the estimates that let them in."""

import os
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from config.settings import Settings
from service.forms import FORM_FORMS
from service.inference.account import LARGE_SHARE
from service.inference.pictures import conversion
from service.inference.pictures.decoding import DCT_SCALES, draft_size, reducing_factor
from service.inference.pictures.recipe import ImageRecipe
from service.json_text import TEXT_FORMS, UNIT_BYTES, UNITS_LIMIT


@dataclass(frozen=True)
class PictureKind:
    """A picture that has not been decoded, and what its file has of coefficients for a pixel."""

    format: str
    mode: str
    has_transparency_data: bool = False
    coefficient_bytes: int = 0
    width: int = 0
    height: int = 0

    @property
    def size(self) -> tuple[int, int]:
        """Its width and height in pixels."""
        return self.width, self.height


# What is read and parsed of each kind of body: forms of its bytes, and bytes besides.
TEXT = "one long text in JSON"
BODIES = {
    TEXT: (1 + TEXT_FORMS, 0),
    "a form": (1 + FORM_FORMS, 0),
    "JSON of small values": (1 + TEXT_FORMS, UNITS_LIMIT * UNIT_BYTES),
}

# The dearest of each kind that people send.
JPEG = "JPEG"
KINDS = {
    JPEG: PictureKind("JPEG", "RGB"),
    "progressive JPEG": PictureKind("JPEG", "RGB", coefficient_bytes=6),
    "PNG": PictureKind("PNG", "RGBA", has_transparency_data=True),
    "WebP": PictureKind("WEBP", "RGBA", has_transparency_data=True),
}


@dataclass(frozen=True)
class MemoryCost:
    """
    What a request of the size that *setting* allows, *limit*, holds in a worker.

    Those that *must_fit* are what everybody sends, and all where somebody has set the limit: the
    default is one below which memory decides for each request.
    """

    what: str
    setting: str
    limit: int
    must_fit: bool
    holds: Callable[[int], int]

    @property
    def size_bytes(self) -> int:
        """What it holds at the limit."""
        return self.holds(self.limit)

    def fits(self, account_bytes: int) -> bool:
        """Whether it does where a worker's requests may hold *account_bytes* together."""
        return self.size_bytes <= int(account_bytes * LARGE_SHARE)

    def fitting(self, account_bytes: int) -> int:
        """The limit at which it would."""
        limits = range(1, self.limit)
        return bisect_right(limits, int(account_bytes * LARGE_SHARE), key=self.holds)


def costs(settings: Settings, recipes: list[ImageRecipe]) -> list[MemoryCost]:
    """What bodies hold, and pictures for a model that wants them by *recipes*."""
    return [*_bodies(settings.body_limit_bytes), *_pictures(settings.image_limit_pixels, recipes)]


def _bodies(limit_bytes: int) -> Iterator[MemoryCost]:
    setting = "WEIR_BODY_LIMIT_BYTES"
    for what, (forms, further_bytes) in BODIES.items():
        yield MemoryCost(
            what=f"{limit_bytes} bytes, {what}",
            setting=setting,
            limit=limit_bytes,
            must_fit=what == TEXT or setting in os.environ,
            holds=partial(_body_bytes, forms, further_bytes),
        )


def _body_bytes(forms: int, further_bytes: int, size_bytes: int) -> int:
    return forms * size_bytes + further_bytes


def _pictures(limit_pixels: int, recipes: list[ImageRecipe]) -> Iterator[MemoryCost]:
    setting = "WEIR_IMAGE_LIMIT_PIXELS"
    for kind in KINDS if recipes else ():
        yield MemoryCost(
            what=f"{limit_pixels} pixels, {kind}",
            setting=setting,
            limit=limit_pixels,
            must_fit=kind == JPEG or setting in os.environ,
            holds=partial(_dearest_picture_bytes, kind, recipes),
        )


def _dearest_picture_bytes(kind: str, recipes: list[ImageRecipe], pixels: int) -> int:
    return max(picture_bytes(kind, pixels, recipe) for recipe in recipes)


def picture_bytes(kind: str, pixels: int, recipe: ImageRecipe) -> int:
    """What a square picture of *pixels* and of a *kind* in KINDS holds while it is decoded."""
    side = int(pixels**0.5)
    whole = replace(KINDS[kind], width=side, height=side)
    drafted = whole
    if whole.format == "JPEG":
        fits = side // draft_size(recipe)[0]
        scale = next(scale for scale in DCT_SCALES if scale <= max(1, fits))
        drafted = replace(whole, width=side // scale, height=side // scale)
    factor = reducing_factor(drafted.size, recipe)
    return conversion.cost_bytes(drafted, factor) + pixels * whole.coefficient_bytes
