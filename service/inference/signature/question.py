"""What a caller asks, the arrays that a model takes, and what makes them of what was sent."""

from dataclasses import dataclass
from typing import Any, Protocol

from service.inference.pictures.decoding import Reserve, unlimited
from service.inference.tensors import Tensors


@dataclass(frozen=True, slots=True)
class Question:
    """*inputs* have *rows* rows each; *single* if the one row was sent alone, not in a list."""

    inputs: Tensors
    rows: int
    single: bool


class Reader(Protocol):
    """What makes requests of one kind into questions."""

    def read(self, sent: Any, reserve: Reserve = unlimited, /) -> Question:
        """
        Read a JSON object, or an encoded picture.

        *reserve* is entered with the bytes that are held meanwhile. Raises InvalidInput, or of a
        picture what `pictures.decode` does.
        """

    def example(self) -> Any:
        """Make up what `read` takes. Raises InvalidModel where that cannot be."""
