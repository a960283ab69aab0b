"""`python -m load plan` prints Heroku's autoscaling where Heroku has it, and elsewhere why not."""

import re

import pytest

ENABLE = re.compile(
    r"^    heroku ps:autoscale:enable --min (\d+) --max (\d+) --p95 (\d+)$", re.MULTILINE
)


@pytest.mark.parametrize("dyno", ["performance-m", "private-m", "shield-l"])
def test_it_is_the_last_command_with_bounds_around_the_plan(typed, dyno):
    _, out, _ = typed(f"--rps 400 --p99 250ms --dyno {dyno}")
    fewest, most, p95_ms = map(int, ENABLE.search(out).groups())

    assert fewest == int(re.search(r"ps:scale web=(\d+)", out)[1])
    assert fewest < most <= 10
    assert 0 < p95_ms <= 250
    assert out.index("ps:scale") < out.index("ps:autoscale:enable") < out.index("Why")


def test_a_looser_goal_scales_later(typed):
    tight, loose = (
        int(ENABLE.search(typed(f"--rps 400 --p99 {p99} --dyno performance-m")[1])[3])
        for p99 in ("30ms", "80ms")
    )
    assert tight < loose


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("--rps 200 --p99 300ms --dyno standard-2x", "Performance, Private and Shield dynos only"),
        ("--rps 200 --p99 300ms --dyno dyno-2c-4gb", "not autoscale on Fir"),
        ("--rps 2500 --p99 300ms --dyno performance-m", "at most 10 of performance-m"),
    ],
)
def test_where_there_is_none_the_reason_stands_among_the_others(typed, arguments, reason):
    code, out, _ = typed(arguments)

    assert code == 0
    assert not ENABLE.search(out)
    assert re.search(rf"^  - No ps:autoscale:enable: .*{reason}", out, re.MULTILINE)
