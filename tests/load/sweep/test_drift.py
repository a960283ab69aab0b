"""A round in which the machine was not steady."""

import msgspec

from load.campaign import Arrivals, Verdict
from load.sweep.verdicts import judged, judged_together
from tests.load.campaigns import of_server, point, window


def round_of(rates, number=0, **how):
    """The smallest point first, amid and after the others, as a sweep measures a round."""
    first, amid, last = rates
    return [
        window(point(1), rps=first, round=number, **how),
        window(point(8), round=number),
        window(point(1), rps=amid, round=number, anchor=True),
        window(point(2), round=number),
        window(point(1), rps=last, round=number, anchor=True),
    ]


def test_a_round_in_which_the_machine_drifted_is_refused():
    steady, drifting = round_of([100, 102, 98], 0), round_of([100, 96, 94], 1)
    found = judged_together([*steady, *drifting])

    assert {each.verdict for each in found if each.round == 0} == {Verdict.VALID}
    assert {each.verdict for each in found if each.round == 1} == {Verdict.REFUSED}
    for each in found[5:]:
        assert "drifted in round 1" in each.reasons[-1]
        assert "94 to 100 requests/s, 6.4% apart" in each.reasons[-1]


def test_what_another_target_shows_in_that_round_stays_valid():
    other = [
        msgspec.structs.replace(each, point=msgspec.structs.replace(each.point, target="/other"))
        for each in round_of([100, 100, 100])
    ]
    found = judged_together([*round_of([100, 50, 100]), *other])

    assert [each.verdict for each in found] == [Verdict.REFUSED] * 5 + [Verdict.VALID] * 5


def test_with_open_arrivals_the_cost_of_a_request_shows_the_drift():
    at = point(1, Arrivals.OPEN, offered_rps=50.0)
    cheap, dear = (
        window(at, cpu_ms_per_request=cost, anchor=anchor)
        for cost, anchor in ((0.50, False), (0.56, True))
    )

    assert {each.verdict for each in judged_together([cheap, dear])} == {Verdict.REFUSED}
    assert {each.verdict for each in judged_together([cheap, cheap])} == {Verdict.VALID}


def test_anchors_that_are_not_valid_prove_nothing():
    spoiled = [
        judged(of_server(each, steal_share=0.5)) if each.point.workers == 1 else each
        for each in round_of([100, 100, 100])
    ]
    found = judged_together(spoiled)

    assert {each.verdict for each in found} == {Verdict.REFUSED}
    assert "0 can be compared" in found[1].reasons[-1]


def test_a_round_without_anchors_is_left_as_it_is():
    given = [window(point(1), rps=100), window(point(1), rps=50), window(point(2))]

    assert judged_together(given) == tuple(given)
