"""Encoded pictures, made into the rows of a model's one input."""

from typing import NoReturn

from service.errors import InvalidModel
from service.inference.pictures.decoding import Reserve, decode, unlimited
from service.inference.pictures.recipe import ImageRecipe, numbers
from service.inference.signature.question import Question
from service.inference.tensors import TensorSpec


class Pictures:
    """What makes encoded pictures into the rows of *spec*."""

    def __init__(self, spec: TensorSpec, recipe: ImageRecipe, limit_pixels: int) -> None:
        self.spec = spec
        self._recipe = recipe
        self._limit_pixels = limit_pixels

    def read(self, sent: bytes, reserve: Reserve = unlimited) -> Question:
        """Decode one picture; raises what `pictures.decode` does, with *reserve* as there."""
        pixels = decode(sent, self._recipe, self._limit_pixels, reserve)
        row = numbers(pixels, self._recipe, self.spec.datatype)
        return Question({self.spec.name: row}, 1, single=True)

    def example(self) -> NoReturn:
        """No picture can be made up that a model would know. Raises InvalidModel."""
        raise InvalidModel("model.toml has no [example]; name a picture there: file = …")
