"""Every caller gets its own rows, whatever the others do."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from service.errors import (
    ModelFailed,
    TooLarge,
)
from tests.conftest import eventually
from tests.inference.batching.conftest import POISON, FakeExecution


def test_every_answer_belongs_to_its_question(batching):
    model = batching(FakeExecution(lanes=3))
    rows = np.random.default_rng(5).integers(1, 7, 20_000)

    def question(number):
        values = [number * 10 + row for row in range(rows[number])]
        return model.ask(*values).outputs["y"].tolist() == [2 * value for value in values]

    with ThreadPoolExecutor(32) as clients:
        right = list(clients.map(question, range(len(rows)), chunksize=100))

    assert all(right)
    assert len(right) == 20_000
    assert len(model.execution.batches) < 20_000


def test_what_queues_during_a_call_is_the_next_batch_up_to_its_rows(batching):
    model = batching(batch_rows=5)
    model.hold_lane()
    waiting = []
    for number in range(1, 8):
        waiting.append(model.call(number))
        model.wait_for(1 + number)
    model.let_go()

    answers = [one.result(20) for one in waiting]

    assert model.execution.batches == [[0], [1, 2, 3, 4, 5], [6, 7]]
    assert [one.outputs["y"].tolist() for one in answers] == [[2 * n] for n in range(1, 8)]
    assert [one.batch.rows for one in answers] == [5] * 5 + [2] * 2


def test_a_lone_request_does_not_wait_for_company(batching):
    model = batching()

    assert model.ask(3).batch.rows == 1
    assert model.execution.batches == [[3]]


def test_rows_count_and_not_requests(batching):
    model = batching(batch_rows=4)
    model.hold_lane()
    waiting = [model.call(1, 2, 3)]
    model.wait_for(4)
    waiting.append(model.call(4, 5))
    model.wait_for(6)
    waiting.append(model.call(6))
    model.wait_for(7)
    waiting.append(model.call(*range(10, 20)))
    model.wait_for(17)
    model.let_go()

    answers = [one.result(20).outputs["y"].tolist() for one in waiting]

    assert answers == [[2, 4, 6], [8, 10], [12], list(range(20, 40, 2))]
    assert model.execution.batches == [[0], [1, 2, 3, 6], [4, 5], list(range(10, 20))]


def test_only_requests_of_one_layout_share_a_batch(batching):
    model = batching()
    model.hold_lane()
    kinds = [{}, {"dtype": np.float32}, {"shape": (-1, 2)}] * 2
    waiting = []
    for number, kind in enumerate(kinds):
        waiting.append(model.call(2 * number, 2 * number + 1, **kind))
        model.wait_for(1 + sum(2 // len(kind.get("shape", (1,))) for kind in kinds[: number + 1]))
    model.let_go()

    shapes = [one.result(20).outputs["y"].shape for one in waiting]

    assert shapes == [(2,), (2,), (1, 2)] * 2
    assert model.execution.batches == [[0], [0, 1, 6, 7], [2, 3, 8, 9], [4, 5, 10, 11]]


def test_one_bad_row_fails_only_itself(batching):
    model = batching(FakeExecution(), batch_rows=16)
    model.hold_lane()
    values = [*range(1, 8), POISON, *range(9, 16)]
    waiting = [model.call(value) for value in values]
    model.wait_for(16)
    model.let_go()

    outcomes = [one.exception(20) or one.result().outputs["y"].tolist() for one in waiting]

    assert [out for out in outcomes if isinstance(out, list)] == [
        [2 * value] for value in values if value != POISON
    ]
    (failed,) = [out for out in outcomes if not isinstance(out, list)]
    assert type(failed) is ModelFailed
    assert failed.__cause__ is model.execution.poison_raises


def test_too_few_rows_are_a_failure_of_all_and_never_shift_answers(batching):
    model = batching()
    model.execution.lost_rows = 1
    model.hold_lane()
    waiting = [model.call(value, value) for value in (1, 2, 3)]
    model.wait_for(7)
    model.let_go()

    failures = [one.exception(20) for one in waiting]

    assert [type(failure) for failure in failures] == [ModelFailed] * 3
    assert "1 rows to 2" in str(failures[0].__cause__)


@pytest.mark.parametrize("observer", ["ran", "died"])
def test_an_observer_that_fails_fails_no_answer(batching, observer):
    def fail(*_):
        raise OSError("disk")

    model = batching(**{observer: fail})
    model.execution.lost = True

    assert model.ask(3).outputs["y"].tolist() == [6]
    eventually(lambda: model.execution.recoveries == 1)
    assert model.ask(4).outputs["y"].tolist() == [8]


def test_rows_too_large_together_are_run_apart(batching):
    execution = FakeExecution()
    execution.poison_raises = TooLarge("send fewer at once")
    model = batching(execution)
    model.hold_lane()
    waiting = [model.call(value) for value in (1, POISON, 3)]
    model.wait_for(4)
    model.let_go()

    assert isinstance(waiting[1].exception(20), TooLarge)
    assert [one.result(20).outputs["y"].tolist() for one in waiting[::2]] == [[2], [6]]
