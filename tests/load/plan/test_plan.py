"""`python -m load plan`: what a user types, reads and gets back as exit code."""

import argparse
import contextlib
import io
import re

import msgspec
import pytest

from load.campaign import Regime, Verdict, write
from load.plan import command as plan
from load.plan.dynos import named
from tests.load.synthetic import Truth, campaign, point


@pytest.fixture(scope="module")
def quoted(tmp_path_factory, measured):
    """What the plan says for 200 requests a second on standard-2x."""
    path = tmp_path_factory.mktemp("plan") / "results.json"
    write(measured, path)
    parser = argparse.ArgumentParser(prog="load plan")
    plan.configure(parser)
    arguments = f"{path} --rps 200 --p99 300ms --dyno standard-2x"
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert plan.run(parser.parse_args(arguments.split())) == 0
    return out.getvalue()


def spoilt(results, **changes):
    """*results* with every window changed."""
    windows = tuple(msgspec.structs.replace(each, **changes) for each in results.windows)
    return msgspec.structs.replace(results, windows=windows)


def test_the_commands_come_first(quoted):
    commands = re.findall(r"^    (heroku .*)$", quoted, re.MULTILINE)
    assert commands[0] == "heroku ps:type web=standard-2x"
    assert re.fullmatch(r"heroku config:set WEB_CONCURRENCY=\d+", commands[1])
    scale = re.fullmatch(r"heroku ps:scale web=(\d+)", commands[2])
    assert f"{scale[1]} dynos at $50 are ${50 * int(scale[1]):,} a month" in quoted
    assert "95 % interval" in quoted
    assert quoted.index("heroku ps:type") < quoted.index("Why")


def test_the_plan_says_that_the_spin_ratio_is_assumed_until_it_is_given(quoted, typed):
    _, given, _ = typed("--rps 200 --p99 300ms --dyno standard-2x --spin-ratio 1.5")
    assert "ASSUMED, not measured" in quoted
    assert "heroku run --size=standard-2x -- python -m timeit" in quoted
    assert "ASSUMED" not in given
    web = re.compile(r"ps:scale web=(\d+)")
    assert int(web.search(given)[1]) < int(web.search(quoted)[1])


def test_the_plan_compares_with_the_buildpack(quoted):
    assert "buildpack would set WEB_CONCURRENCY=4" in quoted


def test_any_lists_every_dyno_and_takes_the_cheapest(typed):
    code, out, _ = typed("--rps 400 --p99 250ms --dyno any")
    prices = [
        int(price.replace(",", ""))
        for price in re.findall(r"^  - \S+: .* \$([\d,]+) a month", out, re.MULTILINE)
    ]
    assert code == 0
    assert len(prices) == len(named("any"))
    assert prices == sorted(prices)
    assert f"are ${prices[0]:,} a month" in out


def test_the_same_arguments_give_the_same_plan(typed):
    first, second = (typed("--rps 300 --p99 250ms --dyno performance-m --kubernetes") for _ in "ab")
    assert first == second


def test_workers_that_hinder_each_other_take_more_dynos(typed):
    def dynos(truth):
        results = campaign(seed=3, rounds=3, truth=truth, measured=waits, spoil=False)
        _, out, _ = typed("--regime wait --rps 2000 --p99 900ms --dyno performance-m", results)
        return int(re.search(r"ps:scale web=(\d+)", out)[1])

    waits = [point(Regime.WAIT, workers=workers) for workers in (1, 4, 16)]
    assert dynos(Truth(sigma=0.1)) > dynos(Truth(sigma=0.0, kappa=0.0))


def test_an_impossible_p99_exits_3_and_names_what_can_be_had(typed):
    code, out, _ = typed("--rps 100 --p99 2ms --dyno standard-1x")
    assert code == 3
    assert "standard-1x: not possible" in out
    near = re.search(r"--rps (\d+) --p99 (\d+)ms --dyno (\S+)", out)
    again, _, _ = typed(near[0])
    assert again == 0


def test_a_dyno_that_cannot_names_one_that_can(typed):
    code, out, _ = typed("--rps 300 --p99 60ms --dyno standard-1x")
    assert code == 3
    near = re.search(r"comes nearest\n  - (\S+): \d+ dynos, .* a month", out)
    assert near[1] in {dyno.name for dyno in named("any")} - {"standard-1x"}


def test_too_many_dynos_exit_3_with_the_most_that_can_be_held(typed):
    code, out, _ = typed("--rps 90000 --p99 500ms --dyno performance-m")
    assert code == 3
    assert "at most 10" in out
    near = re.search(r"--rps (\d+) --p99 500ms --dyno (\S+)", out)
    assert typed(near[0])[0] == 0


def test_a_single_dyno_has_no_spare(typed):
    code, out, _ = typed("--rps 1 --p99 1s --dyno basic")
    assert code == 3
    assert "at most 1" in out


def test_refused_windows_exit_4_with_their_reason(typed, measured):
    refused = spoilt(measured, verdict=Verdict.REFUSED, reasons=("the clock stood still",))
    code, out, err = typed("--rps 10 --p99 200ms", refused)
    assert (code, out) == (4, "")
    assert "valid windows in 0 rounds" in err
    assert "the clock stood still" in err


def test_a_regime_that_was_not_measured_exits_4(typed):
    only_cpu = campaign(rounds=2, measured=[point(Regime.CPU, rate=10.0)])
    code, _, err = typed("--rps 10 --p99 200ms", only_cpu)
    assert code == 4
    assert "model" in err


def test_one_round_is_too_little(typed):
    code, _, err = typed("--rps 10 --p99 200ms", campaign(rounds=1, spoil=False))
    assert code == 4
    assert "a plan needs 2" in err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("--rps 10 --p99 200", "--p99: 200: a time with its unit"),
        ("--rps 10 --p99 0ms", "--p99: 0ms"),
        ("--rps -3 --p99 200ms", "--rps: -3: a number above 0"),
        ("--rps many --p99 200ms", "--rps: many"),
        ("--rps nan --p99 200ms", "--rps: nan"),
        ("--rps 10 --p99 200ms --dyno nano", "--dyno nano: no such dyno"),
        ("--rps 10 --p99 200ms --regime disk", "invalid choice: 'disk'"),
        ("--rps 10 --p99 200ms --target /x", "--target /x: the model regime has /models/iris"),
        ("--rps 10 --p99 200ms --mix /x=1", "--mix /x: the model regime has /models/iris"),
        ("--rps 10 --p99 200ms --mix iris", "iris: PATH=WEIGHT is wanted, such as /=3"),
        ("--rps 10 --p99 200ms --mix /=0", "0: a number above 0"),
        ("--rps 10 --p99 200ms --mix /=1 --target /", "not allowed with argument"),
        ("--rps 10 --p99 200ms --spin-ratio standard-2x=0", "--spin-ratio: 0"),
        ("--rps 10 --p99 200ms --spin-ratio nano=2", "nano: no such dyno"),
    ],
)
def test_a_wrong_argument_exits_2_and_is_named(typed, arguments, complaint):
    code, out, err = typed(arguments)
    assert (code, out) == (2, "")
    assert complaint in err


def test_a_file_that_is_no_campaign_exits_2(typed, tmp_path):
    (tmp_path / "results.json").write_text("{}")
    code, _, err = typed("--rps 10 --p99 200ms", results=None)
    assert code == 2
    assert "results.json" in err
