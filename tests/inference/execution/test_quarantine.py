import numpy as np
import pytest

from service.inference.execution import quarantine
from service.inference.execution.quarantine import Quarantine


def inputs(value):
    return {"x": np.array([value])}


@pytest.fixture
def records(tmp_path):
    """Two workers' views of the same records."""
    return Quarantine(tmp_path / "records"), Quarantine(tmp_path / "records")


def test_nobody_is_suspected_without_a_death(records):
    one, _ = records

    assert one.is_empty
    assert one.judge(inputs(1)) == "innocent"
    assert one.is_empty


def test_what_one_worker_accuses_another_knows(records):
    one, other = records

    one.accuse([inputs(1), inputs(2)])

    assert not other.is_empty
    assert [other.judge(inputs(value)) for value in (1, 2, 3)] == ["suspect", "suspect", "innocent"]


def test_only_a_suspect_that_was_alone_is_guilty(records):
    one, other = records
    one.accuse([inputs(1), inputs(2)])

    other.accuse([inputs(1), inputs(2)])
    assert one.judge(inputs(1)) == "suspect"
    other.accuse([inputs(1)])
    other.accuse([inputs(3)])

    assert [one.judge(inputs(value)) for value in (1, 2, 3)] == ["guilty", "suspect", "suspect"]


def test_the_acquitted_are_forgotten(records):
    one, other = records
    one.accuse([inputs(1)])

    other.acquit(inputs(1))

    assert one.judge(inputs(1)) == "innocent"
    assert one.is_empty


def test_records_are_forgotten_in_time_and_bounded(records, monkeypatch):
    one, other = records
    monkeypatch.setattr(quarantine, "MOST_RECORDS", 3)
    one.accuse([inputs(value) for value in range(5)])
    assert [one.judge(inputs(value)) for value in range(5)].count("suspect") == 3

    monkeypatch.setattr(quarantine, "MEMORY_S", 0.0)

    assert one.judge(inputs(4)) == "innocent"
    assert other.is_empty


def test_who_is_guilty_stays_so_in_whatever_company(records):
    one, other = records
    one.accuse([inputs(1)])
    one.accuse([inputs(1)])

    other.accuse([inputs(1), inputs(2)])

    assert [one.judge(inputs(value)) for value in (1, 2)] == ["guilty", "suspect"]
