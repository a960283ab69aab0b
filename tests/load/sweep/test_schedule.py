from load.campaign import Regime
from load.sweep.schedule import boots
from load.sweep.targets import targets

(WAIT,) = targets(Regime.WAIT)
(CPU,) = targets(Regime.CPU)


def counts(planned, **wanted):
    return [
        boot.workers
        for boot in planned
        if all(getattr(boot, name) == value for name, value in wanted.items())
    ]


def test_a_round_has_every_number_of_workers_once_and_the_smallest_first_amid_and_last():
    planned = boots({WAIT: (1, 2, 4, 8, 16, 32)}, 3, seed=1)

    for turn in range(3):
        order = counts(planned, round=turn)
        assert sorted(counts(planned, round=turn, anchor=False)) == [1, 2, 4, 8, 16, 32]
        assert counts(planned, round=turn, anchor=True) == [1, 1]
        assert order[0] == order[-1] == 1
        assert 1 in order[2:-2]


def test_rounds_differ_in_their_order_and_a_seed_repeats_it():
    plan = {WAIT: (1, 2, 4, 8, 16, 32)}
    orders = {tuple(counts(boots(plan, 5, seed=1), round=turn)) for turn in range(5)}

    assert len(orders) > 1
    assert counts(boots(plan, 5, seed=1)) == counts(boots(plan, 5, seed=1))
    assert counts(boots(plan, 5, seed=1)) != counts(boots(plan, 5, seed=2))


def test_a_short_round_needs_no_anchors():
    assert counts(boots({CPU: (1, 2)}, 1, seed=1)) == [1, 2]


def test_every_target_has_its_block_in_every_round():
    planned = boots({WAIT: (1,), CPU: (1, 2)}, 2, seed=1)

    assert [boot.target.regime for boot in planned] == ["wait", "cpu", "cpu"] * 2
