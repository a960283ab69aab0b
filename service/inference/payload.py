"""What a request to a model carries, on its way to the arrays that the model takes."""

from collections.abc import Callable
from time import monotonic, perf_counter

from service.errors import NoRoom
from service.inference.account import ROOM_WAIT_S, UNCOUNTED_BYTES, Hold, wait_for_room
from service.inference.signature.question import Question
from service.inference.trip import Trip


class Payload:
    """
    What was sent, once it is read, in any thread.

    A heavy one is not for the thread that serves everyone. Until it has been read it counts as one
    row; *single* tells whether that was sent alone, not in a list. What was sent may set a
    *deadline_s* of its own, by `time.monotonic`. What its way through the model takes is noted in
    *trip*.
    """

    def __init__(self, read: Callable[[], Question], hold: Hold, *, is_heavy: bool) -> None:
        """What *read* raises is the caller's; *hold* is what the request holds of memory."""
        self.is_heavy = is_heavy
        self.rows, self.single = 1, True
        self.deadline_s = float("inf")
        self.trip = Trip()
        self._read = read
        self._hold = hold

    def read(self) -> Question:
        """Make the arrays, and note what that took."""
        started = perf_counter()
        try:
            question = self._read()
        finally:
            self.trip.decode_s = perf_counter() - started
        self.rows, self.single = question.rows, question.single
        return question

    def when_there_is_room(self, read: Callable[[], Question], deadline_s: float) -> Question:
        """Read, once more if need be, when there is the memory that it lacked: no thread waits."""
        held_bytes = self._hold.held_bytes
        try:
            return read()
        except NoRoom as error:
            self._hold.shrink(held_bytes)
            wait_for_room(self._hold.account, error.needed_bytes, _until_s(deadline_s))
            return read()

    def hold(self, size_bytes: int, deadline_s: float) -> None:
        """Count what waits for the model, or comes from it. Raises NoRoom or TooLarge."""
        if size_bytes > UNCOUNTED_BYTES:
            self._hold.grow(size_bytes, _until_s(deadline_s))


def _until_s(deadline_s: float) -> float:
    return min(deadline_s, monotonic() + ROOM_WAIT_S)
