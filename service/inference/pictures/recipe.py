"""How a model wants its pictures: their size and how they come to it, then the numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Resize: TypeAlias = Literal["crop", "stretch", "letterbox"]
Interpolation: TypeAlias = Literal["bicubic", "bilinear", "nearest"]
Layout: TypeAlias = Literal["nhwc", "nchw"]
ChannelOrder: TypeAlias = Literal["rgb", "bgr", "grey"]

# Numbers of a pixel that models take.
COUNTS = frozenset({1, 3})


@dataclass(frozen=True, kw_only=True)
class ImageRecipe:
    """
    How a model wants its picture.

    *size* is (height, width) in pixels. A picture of other proportions is cut (`crop`: a centred
    part of *crop* times what fits the shorter side), made to fit (`stretch`), or framed in *pad*
    (`letterbox`). Each number is then (value × *scale* - *mean*) / *std*, where mean and std have
    one entry for all channels or one for each in their *order*; *layout* says where these stand.
    What is empty is as the artefact's shape has it, or RGB.
    """

    size: tuple[int, int]
    crop: float = 1.0
    resize: Resize = "crop"
    interpolation: Interpolation = "bicubic"
    pad: int = 114
    order: ChannelOrder | Literal[""] = ""
    layout: Layout | Literal[""] = ""
    scale: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    @property
    def channels(self) -> int:
        """Numbers of a pixel."""
        return 1 if self.order == "grey" else 3

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one picture, as the model takes it."""
        if self.layout == "nchw":
            return (self.channels, *self.size)
        return (*self.size, self.channels)

    @property
    def is_scaled(self) -> bool:
        """Whether a model gets other numbers than 0 to 255."""
        return (self.scale, set(self.mean), set(self.std)) != (1.0, {0.0}, {1.0})


def numbers(
    pixels: NDArray[np.uint8], recipe: ImageRecipe, datatype: np.dtype[Any]
) -> NDArray[Any]:
    """Make pixels [height, width, channels] the row [1, …] of *datatype* that *recipe* wants."""
    ordered: NDArray[Any] = pixels[..., ::-1] if recipe.order == "bgr" else pixels
    if recipe.is_scaled:
        wide = np.float64 if datatype == np.float64 else np.float32
        factors = (recipe.scale / np.asarray(recipe.std)).astype(wide)
        offsets = (np.asarray(recipe.mean) / np.asarray(recipe.std)).astype(wide)
        ordered = ordered * factors - offsets
    if recipe.layout == "nchw":
        ordered = ordered.transpose(2, 0, 1)
    return np.ascontiguousarray(ordered[None], datatype)


def as_the_artefact(recipe: ImageRecipe, shape: Sequence[int]) -> ImageRecipe:
    """*recipe* with the layout and the channels that an input of *shape* has, unless it says so."""
    layout: Layout = recipe.layout or "nhwc"
    if not recipe.layout and len(shape) == 4 and shape[-1] not in COUNTS and shape[1] in COUNTS:
        layout = "nchw"
    channels = shape[1 if layout == "nchw" else -1] if shape else 0
    order: ChannelOrder = recipe.order or ("grey" if channels == 1 else "rgb")
    return replace(recipe, layout=layout, order=order)
