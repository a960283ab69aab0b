"""What a caller asks: the arrays that a model takes, made from what was sent."""

from dataclasses import dataclass

from service.inference.tensors import Tensors


@dataclass(frozen=True, slots=True)
class Question:
    """*inputs* have *rows* rows each; *single* if the one row was sent alone, not in a list."""

    inputs: Tensors
    rows: int
    single: bool
