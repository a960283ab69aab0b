import numpy as np
import pytest

from load.arguments import Exit
from load.campaign import Arrivals, Regime, write
from load.scaling import command as fit
from tests.load.campaigns import campaign, command, point, window

WORKERS = (1, 2, 4, 8, 16)


def campaign_of(law, regime=Regime.WAIT, rounds=4):
    rng = np.random.default_rng(1)
    return campaign(
        window(
            point(n, regime=regime),
            rps=100 * n / law(n) * np.exp(0.01 * rng.standard_normal()),
            round=number,
        )
        for number in range(rounds)
        for n in WORKERS
    )


def amdahl(n):
    return 1 + 0.05 * (n - 1)


@pytest.fixture
def told(tmp_path, capsys):
    def ask(given):
        write(given, tmp_path / "results.json")
        return command(fit, capsys, str(tmp_path / "results.json"))

    return ask


def test_the_law_is_told_in_words_and_in_figures(told):
    code, said = told(campaign_of(amdahl))

    assert code == Exit.OK
    assert "/wait: 20 of 20 windows are valid" in said
    for words in (
        "16 workers serve 9.",
        "lambda = ",
        "what one worker serves alone",
        "sigma = ",
        "such as a lock",
        "kappa = ",
        "No peak below N = ",
        "Tested on itself: without the windows of 16 workers",
        "weight",
        "textbooks",
    ):
        assert words in said


def test_windows_with_open_arrivals_say_nothing_about_the_law(told):
    given = campaign_of(amdahl)
    slow = window(point(1, Arrivals.OPEN, offered_rps=5.0))

    assert "20 of 20 windows" in told(campaign([*given.windows, slow]))[1]


def test_negative_costs_are_refused(told):
    code, said = told(campaign_of({1: 1, 2: 1, 4: 1, 8: 1.02, 16: 1.7}.get))

    assert code == Exit.UNKNOWN
    assert "REFUSED: the measurements only fit sigma = -" in said


def test_too_few_windows_are_refused(told):
    code, said = told(campaign([window(point(1)), window(point(2))]))

    assert code == Exit.UNKNOWN
    assert "there are 2 at [1, 2]" in said


def test_without_the_wait_regime_there_is_no_law(told):
    code, said = told(campaign_of(amdahl, regime=Regime.CPU))

    assert code == Exit.UNKNOWN
    assert "no window of the wait regime" in said


def test_a_file_that_is_no_campaign(tmp_path, capsys):
    code, said = command(fit, capsys, str(tmp_path / "none.json"))

    assert code == Exit.USAGE
    assert "none.json" in said
