"""What a request carries, on its way to the arrays of its model."""

from contextlib import nullcontext
from time import monotonic

import numpy as np
import pytest

from service.errors import NoRoom, TooLarge
from service.inference import payload as module
from service.inference.account import Account, Hold
from service.inference.payload import Payload
from service.inference.signature.question import Question

MB = 1 << 20
ROWS = Question({"x": np.zeros(3)}, 3, single=False)


@pytest.fixture
def account():
    return Account(10 * MB, nullcontext)


def payload(account, read=lambda: ROWS):
    return Payload(read, Hold(account), is_heavy=True)


def test_until_it_is_read_it_counts_as_one_row(account):
    asked = payload(account)
    assert (asked.rows, asked.single, asked.trip.decode_s) == (1, True, 0.0)

    assert asked.read() is ROWS

    assert (asked.rows, asked.single) == (3, False)
    assert asked.trip.decode_s > 0


def test_what_reading_raises_is_the_caller_s(account):
    def fail():
        raise ValueError("no number")

    asked = payload(account, fail)
    with pytest.raises(ValueError, match="no number"):
        asked.read()

    assert asked.rows == 1


def test_for_want_of_memory_it_is_read_again_when_there_is_some(account):
    other = Hold(account)
    other.grow(7 * MB)
    tries = []

    def read():
        tries.append(account.held_bytes)
        if len(tries) == 1:
            other.release()
            raise NoRoom("others hold it", 5 * MB)
        return ROWS

    asked = payload(account)

    assert asked.when_there_is_room(read, monotonic() + 20) is ROWS
    assert tries == [7 * MB, 0]


def test_memory_that_stays_taken_is_a_refusal_after_a_while(account, monkeypatch):
    monkeypatch.setattr(module, "ROOM_WAIT_S", 0.05)
    Hold(account).grow(7 * MB)

    def read():
        raise NoRoom("others hold it", 5 * MB)

    with pytest.raises(NoRoom):
        payload(account).when_there_is_room(read, monotonic() + 20)


def test_rows_that_wait_are_held_and_few_are_not_counted(account):
    asked = payload(account)

    asked.hold(16 << 10, monotonic())
    assert account.held_bytes == 0
    asked.hold(MB, monotonic())
    assert account.held_bytes == MB
    with pytest.raises(TooLarge):
        asked.hold(100 * MB, monotonic())
