"""A model's golden example, asked through the whole path before anybody else may ask."""

from service.inference.batching.batcher import Batcher
from service.inference.protocol.description import NamedTensor
from service.inference.signature.question import Question
from service.inference.signature.signature import Signature
from service.inference.tensors import check_finite
from service.inference.trip import Trip


def warm(
    name: str, signature: Signature, golden: Question, batcher: Batcher, deadline_s: float
) -> tuple[NamedTensor, ...]:
    """Ask the model *name* its *golden* example; describes the answer, raises like `ask`."""
    try:
        answered = batcher.ask(
            golden.inputs, deadline_s=deadline_s, gone=lambda: False, trip=Trip()
        )
        check_finite(answered.outputs, name)
        signature.answers(answered.outputs)
        return signature.described(answered.outputs)
    except BaseException:
        batcher.close()
        raise
