"""
Pictures as people have them, made into the array a model takes.

The recipe (RGB, upright, centre crop, bicubic) is that of the EfficientNet-Lite reference
preprocessing: crop a centred square of `crop` times the shorter side, resize it to `size`.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.errors import BadImage, ServiceError
from service.inference.pictures import colours, conversion
from service.inference.pictures import files as picture_files
from service.inference.pictures.formats import open_picture
from service.inference.pictures.recipe import ImageRecipe

# A JPEG is decoded at the smallest DCT scale that leaves this many pixels for each one kept:
# at 2 the bicubic resize hides the difference, at 1 it starts to show.
REDUCING_GAP = 2.0
DCT_SCALES = (8, 4, 2, 1)

# How to turn the picture upright, by its Exif orientation (Exif 2.32, tag 0x0112); 1 is upright.
ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

Reserve: TypeAlias = Callable[[int], AbstractContextManager[None]]

# Pillow warns of damaged metadata in a client's picture; that is no news for the operator's log.
warnings.filterwarnings("ignore", module=r"PIL\.")

# Pillow's own guard fires only above 179 megapixels and warns below; decode() checks the header.
Image.MAX_IMAGE_PIXELS = None


def unlimited(_size_bytes: int) -> AbstractContextManager[None]:
    """Reserve nothing: for whoever decodes alone."""
    return nullcontext()


def decode(
    data: bytes, recipe: ImageRecipe, limit_pixels: int, reserve: Reserve = unlimited
) -> NDArray[np.uint8]:
    """
    Make the picture in *data* into a uint8 array of shape [height, width, channels].

    *reserve* is entered with the bytes that the decoding holds at its widest; what it raises
    passes on. Raises BadImage, UnsupportedImage, or ImageTooLarge before any pixel is decoded.
    """
    coefficient_bytes = picture_files.coefficient_bytes(data)
    with _damage_refused(), open_picture(data, limit_pixels) as image:
        pixels = image.width * image.height
        image.draft(None, draft_size(recipe))
        factor = reducing_factor(image.size, recipe)
        with reserve(conversion.cost_bytes(image, factor) + pixels * coefficient_bytes):
            image.load()
            return _array(_upright(_in_colour(image, factor), image), recipe)


@contextmanager
def _damage_refused() -> Iterator[None]:
    """
    Say BadImage for whatever Pillow raises, which for damaged files is nearly anything.

    A fault of this module's own would do the same for whole pictures, which the tests decode.
    """
    try:
        yield
    except ServiceError:
        raise
    except Exception as error:
        raise BadImage(f"the picture cannot be read to its end: {_reason(error)}") from error


def _in_colour(image: Image.Image, factor: int) -> Image.Image:
    """The picture made smaller, in RGB as a browser shows it."""
    profile = colours.profile_of(image)
    if not profile:
        return conversion.reduced_rgb(image, factor)
    return conversion.reduced_rgb(image, factor, lambda strip: colours.in_srgb(strip, profile))


def _upright(reduced: Image.Image, image: Image.Image) -> Image.Image:
    """Turn *reduced* as the Exif or XMP of *image* says; ImageOps would write the Exif anew."""
    try:
        turn = TURNS.get(image.getexif().get(ORIENTATION, 1))
    except Exception:  # noqa: BLE001  # damaged metadata, of a picture that is whole
        turn = None
    return reduced if turn is None else reduced.transpose(turn)


def draft_size(recipe: ImageRecipe) -> tuple[int, int]:
    """Width and height below which a JPEG's DCT may not shrink the picture."""
    crop = recipe.crop if recipe.resize == "crop" else 1.0
    side = round(max(recipe.size) / crop * REDUCING_GAP)
    return side, side


def reducing_factor(size: tuple[int, int], recipe: ImageRecipe) -> int:
    """By how much a picture of *size* can shrink before it is resized, whichever way up it is."""
    shorter, longer = min(size), max(recipe.size)
    crop = recipe.crop if recipe.resize == "crop" else 1.0
    return max(1, int(crop * shorter / longer / REDUCING_GAP))


def _fit(image: Image.Image, recipe: ImageRecipe) -> Image.Image:
    height, width = recipe.size
    by = Image.Resampling[recipe.interpolation.upper()]
    if recipe.resize == "stretch":
        return image.resize((width, height), by)
    if recipe.resize == "letterbox":
        return _letterbox(image, recipe, by)
    scale = recipe.crop * min(image.width / width, image.height / height)
    crop_width, crop_height = scale * width, scale * height
    left, top = (image.width - crop_width) / 2, (image.height - crop_height) / 2
    box = (left, top, left + crop_width, top + crop_height)
    return image.resize((width, height), by, box=box)


def _letterbox(image: Image.Image, recipe: ImageRecipe, by: Image.Resampling) -> Image.Image:
    """The whole picture, as large as fits, in the middle of a plain frame."""
    height, width = recipe.size
    scale = min(width / image.width, height / image.height)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    framed = Image.new("RGB", (width, height), (recipe.pad,) * 3)
    framed.paste(image.resize(size, by), ((width - size[0]) // 2, (height - size[1]) // 2))
    return framed


def _array(image: Image.Image, recipe: ImageRecipe) -> NDArray[np.uint8]:
    fitted = _fit(image, recipe)
    return (
        np.asarray(fitted.convert("L"))[..., None] if recipe.channels == 1 else np.asarray(fitted)
    )


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
