import re
import sys
from datetime import datetime, timedelta
from time import monotonic
from xml.etree import ElementTree as ET

import pytest

from load.__main__ import main
from load.gate.objective import fewest_requests, parse, share_bounds

pytestmark = pytest.mark.alone


def gated(monkeypatch, url, *options):
    """The exit code of `run` against *url*."""
    monkeypatch.setattr(sys, "argv", ["load", "run", "--url", url, *options])
    return main()


def test_a_service_within_its_objective_passes(monkeypatch, bench, tmp_path, capsys):
    report = tmp_path / "junit.xml"
    code = gated(
        monkeypatch,
        bench.url + "/x",
        *("--rps", "150", "--slo", "p95<5s", "--errors", "2%", "--duration", "1.5s"),
        *("--junit", str(report)),
    )

    assert code == 0
    suite = ET.parse(report).getroot()
    assert [suite.get(key) for key in ("tests", "failures", "errors")] == ["3", "0", "0"]
    assert "225 sent, 225 answered" in capsys.readouterr().out


def test_it_says_how_long_it_takes_and_why(monkeypatch, bench, capsys):
    options = ("--rps", "100", "--slo", "p90<5s", "--errors", "50%")
    gated(monkeypatch, bench.url + "/x", *options, "--duration", "1s")
    gated(monkeypatch, bench.url + "/x", *options)

    said = capsys.readouterr().out
    assert "for 1 s: as --duration says" in said
    assert "It takes 3 s with 2 s to warm up" in said
    assert "1000 requests, so that both objectives can be confirmed" in said


def test_it_ends_at_the_time_that_it_is_told(monkeypatch, bench, capsys):
    until = datetime.now().astimezone() + timedelta(seconds=5)
    began_s = monotonic()

    gated(
        monkeypatch,
        bench.url + "/x",
        *("--rps", "50", "--slo", "p90<5s", "--until", until.strftime("%H:%M:%S")),
    )

    assert monotonic() - began_s < 10 + 30, "with the time for the last answers"
    said = capsys.readouterr().out
    assert "as --until says" in said
    assert int(re.search(r"(\d+) sent", said)[1]) <= 5 * 50


def test_a_service_beyond_its_objective_fails(monkeypatch, bench, tmp_path):
    report = tmp_path / "junit.xml"
    code = gated(
        monkeypatch,
        bench.url + "/wait",
        *("--rps", "20", "--slo", "p90<90ms", "--errors", "50%", "--duration", "2s"),
        *("--junit", str(report)),
    )

    assert code in {3, 4}
    suite = ET.parse(report).getroot()
    assert suite.get("failures") == "1"
    (late,) = (case for case in suite if case.get("name") == "p90<90ms")
    assert "40 of 40 late or failed" in late.find("failure").get("message")


def test_too_few_requests_are_no_pass(monkeypatch, bench, capsys):
    code = gated(
        monkeypatch, bench.url + "/x", "--rps", "20", "--slo", "p99<20s", "--duration", "1s"
    )

    assert code == 4
    assert "measure longer" in capsys.readouterr().out


def test_a_generator_that_cannot_keep_up_is_no_pass(monkeypatch, bench, tmp_path):
    report = tmp_path / "junit.xml"
    code = gated(
        monkeypatch,
        bench.url + "/x",
        *("--rps", "20000", "--slo", "p50<30s", "--errors", "99%", "--duration", "1.2s"),
        *("--connections", "16", "--junit", str(report)),
    )

    assert code == 4
    assert ET.parse(report).getroot().get("errors") != "0"


def test_a_service_that_is_away_fails(monkeypatch, capsys):
    code = gated(
        monkeypatch,
        "http://127.0.0.1:9/",
        *("--rps", "50", "--slo", "p90<9s", "--duration", "1s"),
    )

    assert code == 3
    assert "ConnectionRefusedError: 50" in capsys.readouterr().out


# MLPerf's early stopping gives the same numbers, its early_stopping.cc at 95 %.
@pytest.mark.parametrize(("late", "of"), [(0, 299), (1, 473), (2, 628), (5, 1049), (10, 1693)])
def test_a_p99_is_confirmed_from_so_many_requests_on(late, of):
    assert share_bounds(late, of)[1] <= 0.01 < share_bounds(late, of - 1)[1]


def test_299_requests_confirm_a_p99():
    assert fewest_requests(0.01) == 299


@pytest.mark.parametrize(
    ("text", "late", "within_ms"),
    [("p99<200ms", 0.01, 200), ("p99.9 < 1.5s", 0.001, 1500), ("p50<=20ms", 0.5, 20)],
)
def test_an_objective_is_written_as_it_is_said(text, late, within_ms):
    objective = parse(text)

    assert (objective.late, objective.within_ms) == (pytest.approx(late), within_ms)


@pytest.mark.parametrize("text", ["", "p99", "p99<200", "p0<1s", "p100<1s", "99<1s", "p99<0ms"])
def test_an_objective_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="such as p99<200ms"):
        parse(text)


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--url", "localhost", "give http://… or https://…"),
        ("--until", "noon", "give a time such as 17:30"),
        ("--rps", "many", "many given; give a number above 0"),
        ("--errors", "100%", "give a share below 100%"),
        ("--duration", "long", "such as 60s or 5m"),
        ("--header", "X", "NAME: VALUE"),
    ],
)
def test_a_wrong_option_is_named_with_what_is_wanted(monkeypatch, capsys, option, value, words):
    usual = {"--url": "http://127.0.0.1:9/", "--rps": "1", "--slo": "p99<1s"} | {option: value}
    with pytest.raises(SystemExit) as ended:
        gated(monkeypatch, usual.pop("--url"), *(word for pair in usual.items() for word in pair))

    assert ended.value.code == 2
    assert words in capsys.readouterr().err
