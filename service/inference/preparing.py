"""A heavy request made into arrays, in native threads of the model's."""

from collections.abc import Callable

from service.errors import ModelUnavailable
from service.inference.batching.batcher import Batcher
from service.inference.execution.native import NativeThreads
from service.inference.payload import Payload
from service.inference.signature.question import Question


def prepared_by(
    threads: NativeThreads,
    batcher: Batcher,
    is_stalled: Callable[[], bool],
    payload: Payload,
    deadline_s: float,
) -> Question:
    """
    Read *payload* in *threads*, with a place in the queue of *batcher*.

    Raises what reading does, NoRoom, TooLarge, DeadlineExceeded, and ModelUnavailable where all
    the threads overrun, as *is_stalled* tells.
    """

    def read() -> Question:
        if is_stalled():
            raise ModelUnavailable(
                "what prepares requests overruns; nothing is left to prepare more"
            )
        with batcher.preparing(1, deadline_s):
            return threads.run(payload.read, deadline_s)

    return payload.when_there_is_room(read, deadline_s)
