"""`python -m load report`: what someone who opens the report finds in it."""

import io
import re

import msgspec
import pytest
from PIL import Image

from load.campaign import Regime, Verdict, write
from tests.load.report.pages import Written, typed
from tests.load.synthetic import campaign, point

PLOTS = {
    "throughput", "efficiency", "residuals", "cpu", "latency", "p99", "shares", "memory", "drift",
}  # fmt: skip


def changed(results, change):
    """*results* with every window changed."""
    return msgspec.structs.replace(results, windows=tuple(map(change, results.windows)))


@pytest.fixture(scope="module")
def results():
    return campaign(seed=2, rounds=3)


@pytest.fixture(scope="module")
def written(tmp_path_factory, results):
    return Written(tmp_path_factory.mktemp("report"), results)


@pytest.fixture
def write_report(tmp_path):
    return lambda results: Written(tmp_path, results)


def test_the_verdict_comes_first(written):
    text = written.page.text
    assert written.code == 0
    assert text.index("heroku ps:type web=") < text.index("Why these numbers")
    assert re.search(r"heroku config:set WEB_CONCURRENCY=\d+", text)
    assert "heroku ps:scale web=4" in text
    assert re.search(r"4 dynos of standard-2x hold [\d,]+ requests a second", text)
    assert re.search(r"95 % interval, .*: [\d,]+ to [\d,]+\)", text)


def test_the_page_fetches_nothing(written):
    outside = [
        address for address in written.page.addresses if not address.startswith(("data:", "#"))
    ]
    assert outside == []
    assert not written.page.tags & {"script", "link", "iframe", "object"}
    assert not re.search(r"url\(|@import|https?://", written.html)


def test_every_plot_is_there_as_a_picture(written):
    assert written.plots == PLOTS
    for name in PLOTS:
        image = Image.open(io.BytesIO((written.folder / f"{name}.png").read_bytes()))
        image.verify()
        assert image.width > 900
    assert written.html.count("data:image/png;base64,") == len(PLOTS)
    assert set(re.findall(r"!\[\w+\]\((\w+)\.png\)", written.markdown)) == PLOTS


@pytest.mark.parametrize(
    "word",
    [
        "p99", "SLO", "PSS", "dyno", "worker", "round", "window", "closed arrivals",
        "open arrivals", "Response time", "service time", "CPU time", "run-queue wait", "residuals",
        "confidence band", "prediction band", "anchor", "Goodput", "Steal", "Little's law",
        "scaling law", "spin ratio", "regimes", "AICc", "WEB_CONCURRENCY",
    ],
)  # fmt: skip
def test_every_term_is_in_both_reports(written, word):
    assert word in written.page.text
    assert word in written.markdown


def test_every_window_that_was_not_used_is_listed_with_its_reason(written, results):
    unused = [window for window in results.windows if window.verdict != Verdict.VALID]
    assert unused
    for text in (written.page.text, written.markdown):
        reasons = sum(text.count(reason) for reason in {w.reasons[0] for w in unused})
        assert reasons == len(unused)


def test_it_says_where_it_was_measured(written, results):
    machine = results.machine
    for fact in (machine.cpu, machine.kernel, machine.python, machine.commit, results.started_at):
        assert fact in written.page.text
        assert fact in written.markdown
    for name, version in machine.versions.items():
        assert f"{name}" in written.page.text
        assert version in written.page.text


def test_the_law_s_sentences_are_in_it(written):
    for name in ("lambda = ", "sigma = ", "kappa = "):
        assert name in written.page.text


def test_both_reports_say_the_same(written):
    for pattern in (r"hold [\d,]+ requests a second", r"valid: (?:\*\*)?\d+", r"refused: \d+"):
        in_page = re.search(pattern, written.page.text)[0]
        assert in_page in written.markdown


def test_without_a_model_there_is_no_advice(write_report):
    waits = [point(Regime.WAIT, workers=workers) for workers in (1, 2, 4, 8)]
    only = write_report(campaign(rounds=2, measured=waits, spoil=False))
    assert only.code == 0
    assert "Nothing yet." in only.page.text
    assert "heroku ps:scale" not in only.page.text
    assert only.plots == PLOTS - {"latency", "p99"}
    assert "No plot of p99: No valid window had requests arriving" in only.page.text


def test_without_the_wait_regime_it_says_why_there_is_no_law(write_report):
    models = [point(rate=rate, workers=workers) for workers in (1, 2) for rate in (20.0, 60.0)]
    only = write_report(campaign(rounds=2, measured=models, spoil=False))
    assert only.code == 0
    assert "No path of the wait regime was measured" in only.page.text
    assert "heroku ps:scale" in only.page.text


def test_too_few_windows_for_a_law_are_said_to_be_too_few(write_report):
    waits = [point(Regime.WAIT, workers=workers) for workers in (2, 4)]
    few = write_report(campaign(rounds=1, measured=waits, spoil=False))
    assert few.code == 0
    assert "No law was fitted" in few.page.text
    assert "No plot of efficiency: No valid window has one worker" in few.page.text


def test_a_law_that_cannot_be_is_not_drawn_as_one(write_report):
    def faster_together(window):
        answered = round(400 * window.point.workers**1.3)
        return msgspec.structs.replace(
            window, client=msgspec.structs.replace(window.client, answered=answered)
        )

    waits = [point(Regime.WAIT, workers=workers) for workers in (1, 2, 4, 8)]
    results = campaign(rounds=3, measured=waits, spoil=False)
    assert "REFUSED" in write_report(changed(results, faster_together)).page.text


def test_if_nothing_is_valid_the_report_is_written_and_the_exit_code_is_4(write_report):
    waits = [point(Regime.WAIT), point(rate=20.0)]
    results = changed(
        campaign(rounds=1, measured=waits),
        lambda window: msgspec.structs.replace(
            window, verdict=Verdict.REFUSED, reasons=("the clock stood still",)
        ),
    )
    nothing = write_report(results)
    assert nothing.code == 4
    assert "Nothing yet." in nothing.page.text
    assert "the clock stood still" in nothing.page.text


def test_a_campaign_without_a_window_does_not_crash(write_report, results):
    nothing = write_report(msgspec.structs.replace(results, windows=()))
    assert nothing.code == 4
    assert nothing.plots == set()


def test_readings_that_are_missing_are_said_to_be_missing(write_report):
    def without(window):
        return msgspec.structs.replace(
            window,
            client=msgspec.structs.replace(window.client, answered_by_worker={}),
            server=msgspec.structs.replace(
                window.server, pss_bytes_by_worker={}, cpu_ms=0.0, spin_ms=0.0
            ),
        )

    points = [point(workers=workers, rate=20.0) for workers in (1, 2)]
    bare = write_report(changed(campaign(rounds=2, measured=points, spoil=False), without))
    assert bare.code == 0
    for name in ("shares", "memory"):
        assert f"No plot of {name}:" in bare.page.text
        assert f"No plot of {name}:" in bare.markdown


def test_what_a_campaign_says_is_text_and_never_markup(write_report, results):
    machine = msgspec.structs.replace(results.machine, cpu="<script>alert(1)</script>")
    odd = write_report(msgspec.structs.replace(results, machine=machine, windows=()))
    assert "script" not in odd.page.tags
    assert "<script>alert(1)</script>" in odd.page.text


def test_without_out_it_is_written_beside_the_results(tmp_path, results):
    write(msgspec.structs.replace(results, windows=()), tmp_path / "results.json")
    typed(str(tmp_path / "results.json"))
    assert (tmp_path / "report.html").exists()


def test_a_file_that_is_no_campaign_exits_2(tmp_path, capsys):
    (tmp_path / "results.json").write_text("[]")
    assert typed(str(tmp_path / "results.json")) == 2
    assert "results.json" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_exits_2(tmp_path, capsys, results):
    write(msgspec.structs.replace(results, windows=()), tmp_path / "results.json")
    (tmp_path / "taken").write_text("")
    assert typed(str(tmp_path / "results.json"), "--out", str(tmp_path / "taken")) == 2
    assert "--out" in capsys.readouterr().err
