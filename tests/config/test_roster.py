"""Who serves: what a worker writes in its row, all others of the instance read."""

import os

import pytest

from config import roster as module
from config.roster import NOT_SERVING, Roster


@pytest.fixture
def roster():
    """Three workers who serve, with loads of 5, 3 and 4."""
    made = Roster()
    made.wanted = 3
    for slot, load in enumerate((5, 3, 4)):
        made.strike(slot)
        made.listen(slot)
        made.beat(slot)
        made.bear(slot, load)
        made.accept(slot, 10)
    return made


def least(roster):
    return roster.least_loaded()[1]


def test_the_least_load_is_that_of_one_who_serves(roster):
    assert least(roster) == 3
    assert roster.accepted() == 30


@pytest.mark.parametrize(
    "becomes",
    [
        lambda roster: roster.retire(1),
        lambda roster: roster.listen(1, does=False),
        lambda roster: roster.bear(1, NOT_SERVING),
        lambda roster: roster.strike(1),
    ],
    ids=["retiring", "draining", "loading", "dead"],
)
def test_one_who_cannot_take_a_connection_is_not_the_least_loaded(roster, becomes):
    becomes(roster)

    assert least(roster) == 4


def test_one_who_hangs_is_not_the_least_loaded(roster, monkeypatch):
    later_ms = module._now_ms() + module.LATE_MS + 1
    monkeypatch.setattr(module, "_now_ms", lambda: later_ms)
    roster.beat(0)
    roster.beat(2)

    assert least(roster) == 4


def test_one_whom_another_found_hanging_counts_again_when_it_beats(roster, monkeypatch):
    roster.suspect(1)

    assert roster.least_loaded() == (2, 4)

    later_ms = module._now_ms() + 1
    monkeypatch.setattr(module, "_now_ms", lambda: later_ms)
    roster.beat(1)

    assert roster.least_loaded() == (1, 3)


def test_where_nobody_serves_no_load_is_the_least():
    assert Roster().least_loaded() is None


def test_a_worker_alone_serves():
    roster = Roster.of_one()
    roster.listen(0)

    assert (roster.wanted, roster.staying(), roster.anyone_listens()) == (1, 1, True)


def test_what_a_child_writes_its_parent_reads(roster):
    child = os.fork()
    if not child:
        roster.bear(0, 1)
        os._exit(0)
    os.waitpid(child, 0)

    assert least(roster) == 1


def test_a_slot_given_again_begins_with_nothing(roster):
    roster.retire(0)
    roster.strike(0)

    assert not roster.retires(0)
    assert roster.staying() == 2
    assert least(roster) == 3
    assert roster.accepted() == 20
