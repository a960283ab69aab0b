"""Every caller gets its own rows, whatever the others do."""

import threading
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import numpy as np
import pytest

from service.errors import (
    ClientGone,
    DeadlineExceeded,
    ModelDied,
    ModelFailed,
    ModelUnavailable,
    Overloaded,
    QuarantinedPayload,
    TooLarge,
)
from service.inference.batching.batcher import Batcher
from service.inference.execution import CallResult
from service.inference.execution.quarantine import Quarantine
from tests.conftest import eventually

POISON = -1.0


class FakeExecution:
    """Doubles numbers; waits at its gate first, and raises or dies where a row is poison."""

    def __init__(self, lanes=1, quarantine=None):
        self.lanes = lanes
        self.quarantine = quarantine
        self.gate = threading.Event()
        self.gate.set()
        self.batches = []
        self.poison_raises = ValueError("poison")
        self.lost_rows = 0
        self.recoveries = 0
        self.lost = False
        self.delay = 0.0

    def execute(self, inputs, _deadline_s):
        self.batches.append(inputs["x"].ravel().tolist())
        assert self.gate.wait(20)
        if (inputs["x"] == POISON).any():
            raise self.poison_raises
        doubled = inputs["x"] * 2
        return CallResult({"y": doubled[: len(doubled) - self.lost_rows]}, 0.001)

    def is_lost(self):
        return self.lost

    def how_it_ended(self):
        return "SIGKILL"

    def recover(self, _failed):
        self.lost = False
        self.recoveries += 1

    def delay_s(self):
        return self.delay


@pytest.fixture
def batching():
    """Make a batcher; callers run in threads of their own."""
    made, callers = [], ThreadPoolExecutor(64)

    class Batching:
        def __init__(self, execution=None, **settings):
            self.execution = execution or FakeExecution()
            defaults = {"batch_rows": 16, "queue_rows": 1000, "call_limit_s": 60}
            self.batcher = Batcher(self.execution, **(defaults | settings))
            made.append(self)

        def ask(self, *values, within_s=20, gone=lambda: False, shape=(-1,), dtype=float):
            inputs = {"x": np.array(values, dtype).reshape(shape)}
            return self.batcher.ask(inputs, deadline_s=monotonic() + within_s, gone=gone)

        def call(self, *values, **options):
            return callers.submit(self.ask, *values, **options)

        def hold_lane(self):
            """Keep the lane in a call, so that what comes now waits."""
            before = len(self.execution.batches)
            self.execution.gate.clear()
            self.call(0)
            eventually(lambda: len(self.execution.batches) > before)

        def let_go(self):
            self.execution.gate.set()

        def wait_for(self, rows):
            eventually(lambda: self.batcher._queue._held_rows == rows)

    yield Batching
    for one in made:
        one.let_go()
        one.batcher.close()
    callers.shutdown()


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
    assert [one.batch_rows for one in answers] == [5] * 5 + [2] * 2


def test_a_lone_request_does_not_wait_for_company(batching):
    model = batching()

    assert model.ask(3).batch_rows == 1
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


@pytest.fixture
def mortal(tmp_path, batching):
    """A model that dies of poison, with its quarantine."""
    execution = FakeExecution(quarantine=Quarantine(tmp_path / "quarantine"))
    execution.poison_raises = ModelDied("the process ended")
    return batching(execution)


def test_a_death_fails_the_batch_at_once_and_is_recovered_from(mortal):
    mortal.hold_lane()
    waiting = [mortal.call(value) for value in (1, POISON, 3)]
    mortal.wait_for(4)
    mortal.let_go()

    assert [type(one.exception(20)) for one in waiting] == [ModelDied] * 3
    assert len(mortal.execution.batches) == 2
    eventually(lambda: mortal.execution.recoveries == 1)


def test_an_end_that_nobody_asked_for_is_told_and_recovered_from(batching):
    ends = []
    model = batching(died=lambda stage, how: ends.append((stage, how)))
    model.execution.lost = True

    eventually(lambda: model.execution.recoveries == 1)
    assert ends == [("idle", "SIGKILL")]
    assert model.ask(3).outputs["y"].tolist() == [6]


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


def test_suspects_run_alone_and_are_acquitted_or_guilty(mortal):
    mortal.hold_lane()
    waiting = [mortal.call(value) for value in (1, POISON)]
    mortal.wait_for(3)
    mortal.let_go()
    for one in waiting:
        assert isinstance(one.exception(20), ModelDied)
    mortal.execution.batches.clear()

    with pytest.raises(ModelDied):
        mortal.ask(POISON)
    with pytest.raises(QuarantinedPayload):
        mortal.ask(POISON)
    mortal.hold_lane()
    together = [mortal.call(value) for value in (1, 2, 3)]
    mortal.wait_for(4)
    mortal.let_go()

    assert [one.result(20).outputs["y"].tolist() for one in together] == [[2], [4], [6]]
    ran = mortal.execution.batches
    assert ran[:2] == [[POISON], [0]]
    assert [1] in ran
    assert sorted(value for batch in ran[2:] for value in batch) == [1, 2, 3]
    assert mortal.execution.quarantine.judge({"x": np.array([1.0])}) == "innocent"
    assert mortal.execution.quarantine.judge({"x": np.array([POISON])}) == "guilty"
