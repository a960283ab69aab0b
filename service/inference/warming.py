"""A model's golden example, asked through the whole path before anybody else may ask."""

from dataclasses import dataclass
from typing import Any

from service.inference.batching.batcher import Batcher
from service.inference.protocol.description import NamedTensor
from service.inference.signature.answers import AnsweredRow
from service.inference.signature.question import Question
from service.inference.signature.signature import Signature
from service.inference.tensors import check_finite
from service.inference.trip import Trip

# An answer is kept for as long as the model: as objects 1,000 numbers take 30 kB.
KEPT_VALUES = 1000


@dataclass(frozen=True, slots=True)
class Golden:
    """
    What a model has answered to its golden example: *outputs*, and the first row's *answer*.

    Of an output that is large and has no labels the answer has one value only, and is not *whole*.
    """

    outputs: tuple[NamedTensor, ...]
    answer: AnsweredRow
    whole: bool


def warm(
    name: str, signature: Signature, golden: Question, batcher: Batcher, deadline_s: float
) -> Golden:
    """Ask the model *name* its *golden* example; tells the answer, raises like `ask`."""
    try:
        answered = batcher.ask(
            golden.inputs, deadline_s=deadline_s, gone=lambda: False, trip=Trip()
        )
        check_finite(answered.outputs, name)
        answer = signature.answers(answered.outputs)[0]
        large = {name for name, array in answered.outputs.items() if array[:1].size > KEPT_VALUES}
        kept = {name: _one(value) if name in large else value for name, value in answer.items()}
        return Golden(signature.described(answered.outputs), kept, whole=large.isdisjoint(answer))
    except BaseException:
        batcher.close()
        raise


def _one(value: Any) -> Any:
    """The first value of nested lists."""
    while isinstance(value, list) and value:
        value = value[0]
    return value
