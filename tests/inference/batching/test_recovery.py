"""A model that dies, and what is asked of the next."""

import numpy as np
import pytest

from service.errors import (
    ModelDied,
    QuarantinedPayload,
)
from service.inference.execution import Interrupted
from tests.conftest import eventually
from tests.inference.batching.conftest import POISON


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


def test_what_has_become_guilty_while_it_waited_for_the_process_is_not_run_again(mortal):
    execution, run = mortal.execution, mortal.execution.execute
    inputs = {"x": np.array([POISON])}

    def interrupted_once(*_):
        execution.execute = run
        # Another worker has had the same inputs in the process that ended, twice.
        execution.quarantine.accuse([inputs])
        execution.quarantine.accuse([inputs])
        raise Interrupted

    execution.execute = interrupted_once

    with pytest.raises(QuarantinedPayload):
        mortal.ask(POISON)

    assert execution.batches == []
    assert mortal.ask(3).outputs["y"].tolist() == [6]
