"""A request made into arrays: here what is light, in native threads what is heavy."""

from service.errors import ModelUnavailable
from service.inference.batching.batcher import Batcher
from service.inference.execution.native import NativeThreads
from service.inference.payload import Payload
from service.inference.signature.question import Question


def prepared_by(
    threads: NativeThreads, batcher: Batcher, limit_s: float, payload: Payload, deadline_s: float
) -> Question:
    """
    Read *payload*, a heavy one in *threads*, with a place in the queue of *batcher*.

    Raises what reading does, NoRoom, TooLarge, DeadlineExceeded, and ModelUnavailable where every
    thread is in work that has taken more than *limit_s*.
    """
    if not payload.is_heavy:
        return payload.read()

    def read() -> Question:
        if threads.is_stalled(limit_s):
            raise ModelUnavailable(
                "what prepares requests overruns; nothing is left to prepare more"
            )
        with batcher.preparing(1, deadline_s):
            return threads.run(payload.read, deadline_s)

    return payload.when_there_is_room(read, deadline_s)
