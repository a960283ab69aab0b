import numpy as np
import pytest
from msgspec.structs import replace

from load.arguments import Exit
from load.campaign import Arrivals, Regime, Verdict, write
from load.compare import command as compare
from tests.load.campaigns import MACHINE, campaign, command, of_server, point, window

OPEN = point(2, Arrivals.OPEN, offered_rps=80.0)


def measured(seed, *, rounds=5, rate=1.0, cost=1.0, latency=1.0, memory=1.0, noise=0.01, at=OPEN):
    """Closed windows of 1, 2 and 4 workers and an open one in each round, 1 % of noise."""
    rng = np.random.default_rng(seed)

    def noisy(value):
        return value * np.exp(noise * rng.standard_normal())

    def grown(given):
        pss = {
            pid: int(noisy(memory * size)) for pid, size in given.server.pss_bytes_by_worker.items()
        }
        return of_server(given, pss_bytes_by_worker=pss)

    return campaign(
        grown(
            window(
                each,
                round=number,
                rps=noisy(rate * 100 * each.workers) if each.arrivals is Arrivals.CLOSED else None,
                cpu_ms_per_request=noisy(cost * 0.5),
                service_ms=noisy(latency * 20.0),
            )
        )
        for number in range(rounds)
        for each in (point(1), point(2), point(4), at)
    )


@pytest.fixture
def told(tmp_path, capsys):
    """Compare two campaigns as the command does: its exit code and what it says."""

    def ask(before, after, *options):
        paths = [tmp_path / "before.json", tmp_path / "after.json"]
        for given, path in zip((before, after), paths, strict=True):
            write(given, path)
        return command(compare, capsys, *map(str, paths), *options)

    return ask


def test_a_campaign_is_no_worse_than_its_like(told):
    for seed in range(10):
        code, said = told(measured(seed), measured(100 + seed))

        assert code == Exit.OK, said
        assert "WORSE" not in said
        assert "throughput over all points" in said


@pytest.mark.parametrize(
    ("worse", "label"),
    [
        ({"rate": 0.9}, "throughput over all points fell by"),
        ({"cost": 1.1}, "CPU per request, in the machine's own pace, over all points rose by"),
        ({"latency": 1.2}, "99th percentile of response times over all points rose by"),
        ({"memory": 1.2}, "memory of all workers over all points rose by"),
    ],
)
def test_what_got_worse_is_told_by_how_much(told, worse, label):
    for seed in range(3):
        code, said = told(measured(seed), measured(100 + seed, **worse))

        assert code == Exit.NO
        line = next(line for line in said.splitlines() if label in line)
        assert line.startswith("WORSE: wait /wait: ")
        assert "which is worse (95 % confidence: " in line
        assert "5 rounds" in line


def test_what_got_better_is_no_breach(told):
    code, said = told(measured(1), measured(2, rate=1.1, cost=0.9, latency=0.9))

    assert code == Exit.OK
    assert "throughput over all points rose by" in said
    assert "which is better" in said


def test_one_point_that_got_worse_is_found_among_the_others(told):
    after = measured(2)
    slow = replace(
        after,
        windows=tuple(
            window(each.point, rps=300.0, round=each.round) if each.point.workers == 4 else each
            for each in after.windows
        ),
    )
    code, said = told(measured(1), slow)

    assert code == Exit.NO
    assert "throughput with 4 workers, closed arrivals, fell by" in said
    assert "with 2 workers" not in said


def test_noise_that_hides_a_breach_is_no_pass(told):
    code, said = told(measured(1, noise=0.2), measured(2, noise=0.2))

    assert code == Exit.UNKNOWN
    assert "INCONCLUSIVE: " in said


def test_a_machine_that_became_slower_is_not_taken_for_dearer_requests(told):
    after = measured(2, cost=1.3)
    slower = replace(
        after, windows=tuple(of_server(each, spin_ms=1.3 * 200) for each in after.windows)
    )

    assert told(measured(1), slower)[0] == Exit.OK


def test_refused_windows_are_no_evidence(told):
    after = measured(2)
    refused = replace(
        after, windows=tuple(replace(each, verdict=Verdict.REFUSED) for each in after.windows)
    )
    code, said = told(measured(1), refused)

    assert code == Exit.UNKNOWN
    assert "wait /wait has too few valid rounds in common" in said


def test_a_path_that_only_one_has_is_inconclusive(told):
    before = measured(1)
    extra = [window(point(1, regime=Regime.CPU), round=number) for number in range(5)]
    code, said = told(replace(before, windows=(*before.windows, *extra)), measured(2))

    assert code == Exit.UNKNOWN
    assert "cpu /wait has too few valid rounds in common" in said


def test_two_rounds_are_too_few(told):
    assert told(measured(1, rounds=2), measured(2, rounds=2))[0] == Exit.UNKNOWN


def test_rates_that_sweeps_found_out_need_not_be_equal(told):
    near, far = (replace(OPEN, offered_rps=rate) for rate in (82.0, 120.0))

    assert "99th percentile" in told(measured(1), measured(2, at=near))[1]
    assert "99th percentile" not in told(measured(1), measured(2, at=far))[1]


def test_another_machine_is_refused_unless_told(told):
    other = replace(measured(2), machine=replace(MACHINE, cpu="Example 3 GHz"))

    code, said = told(measured(1), other)
    assert code == Exit.UNKNOWN
    assert "cpu was Example 2 GHz and is Example 3 GHz" in said
    assert "throughput" not in said

    code, said = told(measured(1), other, "--anyway")
    assert code == Exit.OK
    assert "Caution: cpu was" in said
    assert "throughput" in said


def test_another_commit_is_what_is_compared(told):
    other = replace(measured(2), machine=replace(MACHINE, commit="def5678"))

    assert told(measured(1), other)[0] == Exit.OK


def test_a_file_that_is_no_campaign(tmp_path, capsys):
    code, said = command(compare, capsys, str(tmp_path / "none.json"), str(tmp_path / "none.json"))

    assert code == Exit.USAGE
    assert "none.json" in said


def test_a_baseline_without_a_metric(told, tmp_path):
    short = tmp_path / "short.toml"
    short.write_text("[at_least]\nthroughput = 0.95\n[at_most]\np50 = 1.1\n")
    code, said = told(measured(1), measured(2), "--baseline", str(short))

    assert code == Exit.USAGE
    assert "cpu_per_request" in said


def test_a_baseline_of_ones_own(told, tmp_path):
    strict = tmp_path / "strict.toml"
    strict.write_text(
        compare.BASELINE.read_text().replace("throughput = 0.95", "throughput = 1.05")
    )

    assert told(measured(1), measured(2), "--baseline", str(strict))[0] == Exit.NO
