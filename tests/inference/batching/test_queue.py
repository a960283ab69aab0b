"""What waits for a model: bounded, in time, or refused at once."""

from time import monotonic

import pytest

from service.errors import (
    ClientGone,
    DeadlineExceeded,
    ModelUnavailable,
    Overloaded,
)
from tests.conftest import eventually
from tests.inference.batching.conftest import POISON, FakeExecution


def test_what_is_late_is_told_so_and_never_reaches_the_model(batching):
    model = batching()
    model.hold_lane()

    with pytest.raises(DeadlineExceeded):
        model.ask(1, within_s=0.05)
    model.wait_for(1)
    model.let_go()

    assert model.ask(2).outputs["y"].tolist() == [4]
    assert model.execution.batches == [[0], [2]]


def test_a_caller_leaves_at_its_deadline_while_its_rows_are_accounted_for(batching):
    model = batching(queue_rows=2)
    model.execution.gate.clear()

    with pytest.raises(DeadlineExceeded):
        model.ask(1, 1, within_s=0.05)
    with pytest.raises(Overloaded, match="2 rows wait"):
        model.ask(1)
    model.let_go()

    model.wait_for(0)
    assert model.ask(1).outputs["y"].tolist() == [2]


def test_a_client_that_has_left_costs_no_call(batching):
    model = batching()
    model.hold_lane()
    stays, leaves = model.call(1), model.call(POISON, gone=lambda: True)
    model.wait_for(3)
    model.let_go()

    assert stays.result(20).outputs["y"].tolist() == [2]
    assert isinstance(leaves.exception(20), ClientGone)
    assert model.execution.batches == [[0], [1]]


def test_a_full_queue_refuses_at_once_and_says_when_it_will_have_drained(batching):
    model = batching(batch_rows=1, queue_rows=3)
    model.ask(1)
    model.batcher._queue._batch_s = 2.0
    model.hold_lane()
    waiting = [model.call(value, within_s=60) for value in (1, 2)]
    model.wait_for(3)

    with pytest.raises(Overloaded, match="3 rows wait") as refused:
        model.ask(4, within_s=60)
    model.let_go()

    assert refused.value.retry_after_s == pytest.approx(8)
    assert [one.result(20).outputs["y"].tolist() for one in waiting] == [[2], [4]]


def test_a_deadline_that_the_measured_rate_cannot_meet_is_refused_at_once(batching):
    model = batching(batch_rows=2)
    model.ask(1)
    model.batcher._queue._batch_s = 10.0
    model.hold_lane()

    with pytest.raises(Overloaded, match="less time") as refused:
        model.ask(1, 2, 3, within_s=15)
    accepted = model.call(1, 2, 3, within_s=60)
    model.wait_for(4)
    model.let_go()

    assert refused.value.retry_after_s == pytest.approx(20)
    assert accepted.result(20).outputs["y"].tolist() == [2, 4, 6]


def test_an_idle_model_is_asked_however_slow_it_was(batching):
    model = batching()
    model.batcher._queue._batch_s = 1000.0

    assert model.ask(1, within_s=5).outputs["y"].tolist() == [2]


def test_a_model_that_is_being_restarted_refuses_what_cannot_wait_for_it(batching):
    model = batching()
    model.execution.delay = 30.0

    with pytest.raises(Overloaded) as refused:
        model.ask(1, within_s=5)

    assert refused.value.retry_after_s == 30.0
    assert model.ask(1, within_s=60).outputs["y"].tolist() == [2]


def test_when_every_lane_overruns_the_model_says_so_and_refuses(batching):
    model = batching(FakeExecution(lanes=2), call_limit_s=0.05)
    model.execution.gate.clear()
    late = [model.call(1, within_s=0.1)]
    eventually(lambda: len(model.execution.batches) == 1)
    assert not model.batcher.is_stalled
    late.append(model.call(2, within_s=0.1))
    eventually(lambda: model.batcher.is_stalled)

    with pytest.raises(ModelUnavailable, match="overruns"):
        model.ask(3)
    assert [type(one.exception(20)) for one in late] == [DeadlineExceeded] * 2
    model.let_go()

    eventually(lambda: not model.batcher.is_stalled)
    assert model.ask(3).outputs["y"].tolist() == [6]


def test_rows_under_preparation_take_their_places(batching):
    model = batching(queue_rows=2)

    with model.batcher.preparing(2, monotonic() + 20):
        with pytest.raises(Overloaded), model.batcher.preparing(1, monotonic() + 20):
            pass
        assert model.ask(1, 2).outputs["y"].tolist() == [2, 4]
    with model.batcher.preparing(2, monotonic() + 20):
        pass
