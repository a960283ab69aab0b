"""What a request costs: less where the server is busy, and not the same from window to window."""

import msgspec
import numpy as np
import pytest

from load.plan.cost import Cost, costs_of, mixed_costs, wavering
from tests.load.synthetic import point, window

BUSY, SELDOM = point(), point(rate=20.0)


def measured(each, cpu_ms, *, number=0, rps=20, steal_share=0.0, chores_share=0.0):
    """A window in which a request took *cpu_ms*."""
    made = window(each, np.random.default_rng(1), number=number)
    answered = int(rps * made.duration_s)
    replace = msgspec.structs.replace
    return replace(
        made,
        client=replace(made.client, answered=answered),
        server=replace(
            made.server,
            answered=answered,
            cpu_ms=cpu_ms * answered + chores_share * 1000 * made.duration_s,
            idle_cpu_ms=chores_share * 1000 * made.duration_s,
            steal_share=steal_share,
        ),
    )


def test_a_server_that_is_seldom_asked_takes_longer_for_each():
    cost = costs_of([measured(BUSY, 10.0, rps=90), measured(SELDOM, 14.0, rps=20)], 1)[1]

    assert cost.at_rate(1) == cost.at_rate(20) == pytest.approx(14)
    assert 10 < cost.at_rate(50) < 14
    assert cost.at_rate(90) == cost.at_rate(900) == cost.cpu_ms == pytest.approx(10)


def test_windows_of_one_point_are_one_and_rounds_are_kept():
    cost = costs_of([measured(BUSY, 9.0), measured(BUSY, 11.0, number=1)], 1)[1]

    assert cost.cpu_ms == pytest.approx(10)
    assert cost.by_round_ms == pytest.approx([9, 11])


@pytest.mark.parametrize("others", ["steal_share", "chores_share"])
def test_what_the_hypervisor_and_the_server_s_chores_take_is_time_as_well(others):
    window = measured(BUSY, 9.0, **{others: 0.1})

    assert costs_of([window], 1)[1].cpu_ms == pytest.approx(10)


def test_chores_are_shared_by_the_cores():
    window = measured(BUSY, 9.5, chores_share=0.1)

    assert costs_of([window], cores=2)[1].cpu_ms == pytest.approx(10)


def test_a_slower_core_is_as_busy_at_a_lower_rate():
    cost = costs_of([measured(BUSY, 10.0, rps=90), measured(SELDOM, 14.0, rps=20)], 1)[1]

    for rps in (10, 25, 60):
        assert cost.slower(2).at_rate(rps) == pytest.approx(2 * cost.at_rate(2 * rps))


def test_each_of_a_mix_costs_what_it_does_where_the_server_is_as_busy():
    steady = Cost.constant(4.0)
    falling = Cost(np.array([0.2, 1.0]), np.array([20.0, 10.0]), np.array([10.0]))

    mix = mixed_costs(np.array([0.5, 0.5]), [steady, falling])

    assert mix.seldom_ms == pytest.approx(12)
    assert mix.cpu_ms == pytest.approx(7)


def test_a_pace_wavers_about_that_of_its_own_point():
    windows = [measured(BUSY, 9.0), measured(BUSY, 11.0), *[measured(SELDOM, 14.0)] * 2]

    assert wavering(windows, 1) == pytest.approx([0.9, 1, 1, 1.1])
