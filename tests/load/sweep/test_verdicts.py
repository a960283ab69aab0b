import numpy as np
import pytest
from msgspec.structs import replace

from load.campaign import Arrivals, Verdict
from load.sweep.verdicts import judged
from tests.load.campaigns import histogram, of_client, of_server, point, window

OPEN = point(2, Arrivals.OPEN, offered_rps=80.0)


def assert_verdict(given, verdict, *words):
    found = judged(given)
    assert found.verdict is verdict, found.reasons
    assert len(found.reasons) == 1
    for word in words:
        assert word in found.reasons[0]


@pytest.mark.parametrize("at", [point(), point(8), OPEN])
def test_a_sound_window_is_valid(at):
    found = judged(window(at))

    assert found.verdict is Verdict.VALID
    assert found.reasons == ()


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ({"cpu_share_max": 0.7}, ["used 70% of its core"]),
        ({"lag_p99_ms": 1.6}, ["left 1.60 ms or more", "8% of the median"]),
        ({"dropped": 3}, ["3 of 1003 requests were never sent", "all 16 connections"]),
    ],
)
def test_the_generators_limit_makes_a_lower_bound(figures, words):
    assert_verdict(of_client(window(), **figures), Verdict.LOWER_BOUND, *words)


@pytest.mark.parametrize(
    "figures",
    [{"cpu_share_max": 0.69}, {"lag_p99_ms": 0.99}],
)
def test_just_within_the_generators_limits(figures):
    assert judged(of_client(window(), **figures)).verdict is Verdict.VALID


def test_a_lag_that_a_slow_answer_dwarfs_is_no_matter():
    assert judged(of_client(window(service_ms=200), lag_p99_ms=9)).verdict is Verdict.VALID


def test_a_generator_that_sends_less_than_asked_for():
    short = window(point(2, Arrivals.OPEN, offered_rps=80.0), rps=65.0)

    assert_verdict(short, Verdict.LOWER_BOUND, "65.0 requests/s of the 80.0", "81%")


def test_a_poisson_process_may_have_few_arrivals():
    assert judged(window(OPEN, rps=77.0)).verdict is Verdict.VALID


@pytest.mark.parametrize("at", [point(4), point(4, Arrivals.OPEN, offered_rps=400.0)])
@pytest.mark.parametrize("factor", [0.5, 0.8, 1.25, 2.0])
def test_littles_law(at, factor):
    sound = window(at)
    broken = of_client(sound, mean_in_flight=factor * sound.client.mean_in_flight)

    assert_verdict(broken, Verdict.REFUSED, "Little's law fails")


@pytest.mark.parametrize("factor", [0.96, 1.04])
def test_littles_law_has_some_play(factor):
    sound = window(point(4))
    near = of_client(sound, mean_in_flight=factor * sound.client.mean_in_flight)

    assert judged(near).verdict is Verdict.VALID


def test_counting_now_and_then_what_is_in_flight_has_an_error():
    """40 requests/s of 20 ms: 0.8 are in flight, and 1000 looks at 0 or 1 tell it to some 3 %."""
    at = point(2, Arrivals.OPEN, offered_rps=40.0)
    looks = np.random.default_rng(5).poisson(0.8, (200, 1000)).mean(axis=1)
    sound = window(at)

    verdicts = [judged(of_client(sound, mean_in_flight=float(seen))).verdict for seen in looks]
    assert verdicts.count(Verdict.VALID) >= 199


def test_a_mean_above_the_99th_percentile():
    stalled = of_client(window(), service_hdr=histogram([1.0] * 995 + [5000.0] * 5))

    assert_verdict(stalled, Verdict.REFUSED, "20.0", "above its 99th percentile of 1.00 ms")


def test_a_server_that_does_not_keep_up():
    flooded = of_client(window(OPEN), sent=1000, censored=200)

    assert_verdict(flooded, Verdict.REFUSED, "Only 800 of 1000 requests were answered", "200 were")


def test_a_few_may_still_wait_at_the_end():
    sound = window(OPEN)

    assert judged(of_client(sound, sent=810, censored=10)).verdict is Verdict.VALID


@pytest.mark.parametrize("counted", [990, 1001])
def test_the_server_counts_as_the_generator_does(counted):
    assert_verdict(
        of_server(window(), answered=counted), Verdict.REFUSED, "1000 answers", f"counted {counted}"
    )


def test_an_answer_that_came_too_late_may_be_counted_by_the_server_alone():
    late = of_client(window(), sent=1003, censored=2, errors={"ConnectionResetError": 1, "503": 4})

    assert judged(of_server(late, answered=1003)).verdict is Verdict.VALID
    assert judged(of_server(late, answered=1004)).verdict is Verdict.REFUSED


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ({"steal_share": 0.012}, ["1.2% of the cores away"]),
        ({"other_cpu_share": 0.07}, ["Other processes used 7.0%"]),
    ],
)
def test_a_disturbed_machine(figures, words):
    assert_verdict(of_server(window(), **figures), Verdict.REFUSED, *words)


@pytest.mark.parametrize("figures", [{"steal_share": 0.01}, {"other_cpu_share": 0.05}])
def test_a_machine_that_is_hardly_disturbed(figures):
    assert judged(of_server(window(), **figures)).verdict is Verdict.VALID


def test_too_few_answers_say_nothing():
    assert_verdict(window(point(4), rps=11.0), Verdict.REFUSED, "110 answers are 28 for each of 4")
    assert judged(window(point(4), rps=12.0)).verdict is Verdict.VALID


def test_a_refusal_outdoes_a_lower_bound_and_both_are_told():
    spoiled = of_server(of_client(window(), dropped=1), steal_share=0.5)

    assert judged(spoiled).verdict is Verdict.REFUSED
    assert len(judged(spoiled).reasons) == 2


def test_workers_that_had_nothing_to_do():
    idle = of_client(window(point(4)), answered_by_worker={"a": 2000, "b": 2000, "c": 0})

    assert_verdict(
        idle,
        Verdict.REFUSED,
        "2.0 of 4 workers",
        "busiest gave 50.0% and the idlest 0.0% where 25.0% is fair",
        "chance does not explain it",
    )


def test_connections_dealt_at_random_are_even_enough_when_they_are_many():
    rng = np.random.default_rng(3)
    for _ in range(30):
        connections = rng.multinomial(64, [0.25] * 4)
        shares = rng.multinomial(4000, connections / 64)
        given = of_client(window(point(4)), answered_by_worker=by_worker(shares))
        variation = shares.std() / shares.mean()
        expected = Verdict.VALID if variation < 0.33 else Verdict.REFUSED
        assert judged(given).verdict is expected


def test_few_connections_dealt_at_random_are_told_to_be_too_few():
    few = window(replace(point(4), connections=8))
    uneven = of_client(few, answered_by_worker=by_worker([2000, 1000, 500, 500]))

    assert_verdict(uneven, Verdict.REFUSED, "2.9 of 4", "more connections would even it out")


def test_a_skew_that_the_kernel_cannot_have_made():
    many = window(replace(point(4), connections=1000))
    skewed = of_client(many, answered_by_worker=by_worker([1300, 1000, 900, 800]))

    assert_verdict(skewed, Verdict.REFUSED, "chance does not explain it")


def test_a_worker_too_many():
    crowd = of_client(window(point(2)), answered_by_worker=by_worker([700, 700, 600]))

    assert_verdict(crowd, Verdict.REFUSED, "3 workers answered where 2 were asked for")


def by_worker(counts):
    return {str(pid): int(count) for pid, count in enumerate(counts)}
