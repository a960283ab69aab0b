"""Which worker takes the next connection."""

import pytest

from config import roster as module
from config.roster import Roster
from service.wire.share import BUSY, Share


@pytest.fixture
def shares():
    """So many workers who serve and hold nothing."""

    def make(count):
        roster = Roster()
        made = [Share(roster, slot) for slot in range(count)]
        for share in made:
            roster.strike(share.worker)
            roster.listen(share.worker)
            share.beat(is_serving=True)
        return made

    return make


def test_workers_who_hold_as_many_each_take_what_comes(shares):
    assert [share.is_anothers() for share in shares(2)] == [False, False]


def test_who_holds_more_leaves_the_next_to_the_other(shares):
    one, other = shares(2)
    one.take()

    assert (one.is_anothers(), other.is_anothers()) == (True, False)

    other.take()

    assert (one.is_anothers(), other.is_anothers()) == (False, False)


def test_what_has_ended_does_not_count(shares):
    one, _ = shares(2)
    one.take()
    one.lose()

    assert not one.is_anothers()


def test_a_request_under_way_counts_more_than_a_connection(shares):
    one, other = shares(2)
    for _ in range(BUSY - 1):
        other.take()
    one.begin()

    assert (one.is_anothers(), other.is_anothers()) == (True, False)

    one.end()

    assert (one.is_anothers(), other.is_anothers()) == (False, True)


def test_who_took_nothing_meanwhile_is_waited_for_again_once_it_has_beaten(shares, monkeypatch):
    one, other = shares(2)
    one.take()

    assert one.is_anothers()
    assert not one.is_anothers()

    one.take()

    assert not one.is_anothers()

    later_ms = module._now_ms() + 1
    monkeypatch.setattr(module, "_now_ms", lambda: later_ms)
    other.beat(is_serving=True)

    assert one.is_anothers()


def test_it_is_left_again_as_long_as_the_other_takes_some(shares):
    one, other = shares(2)
    for _ in range(4):
        one.take()

    for _ in range(3):
        assert one.is_anothers()
        other.take()


def test_only_the_least_loaded_is_found_hanging_by_one_who_waited(shares):
    one, other, _ = shares(3)
    one.take()
    one.take()
    other.take()

    assert one.is_anothers()
    assert one.is_anothers(), "the third hangs, and the other is less loaded still"
    assert not other.is_anothers()


def test_nothing_is_left_to_one_who_loads(shares):
    one, other = shares(2)
    one.take()
    other.beat(is_serving=False)

    assert not one.is_anothers()
