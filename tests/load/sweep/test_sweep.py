import signal
import subprocess
import sys

import psutil
import pytest

from load.__main__ import main
from load.campaign import read
from load.scaling import Sample, fit
from tests.conftest import PROJECT, eventually

pytestmark = pytest.mark.alone


def swept(folder, *options):
    return subprocess.run(
        [sys.executable, "-m", "load", "sweep", "--out", str(folder), *options],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A sweep of all regimes, as small as it can be."""
    folder = tmp_path_factory.mktemp("small")
    said = swept(
        folder,
        *("--workers", "wait=1,2", "cpu=1", "model=1"),
        *("--rounds", "1", "--window-s", "1", "--ramp-s", "0.3"),
    )
    assert said.returncode == 0, said.stderr
    return read(folder / "results.json")


def test_a_sweep_measures_every_point_it_was_asked_for(small):
    measured = [(w.point.target, w.point.workers, w.point.arrivals) for w in small.windows]

    assert measured == [
        ("/wait", 1, "closed"),
        ("/wait", 2, "closed"),
        ("/cpu", 1, "closed"),
        ("/cpu", 1, "open"),
        ("/models/cat-or-dog/predict", 1, "closed"),
        ("/models/cat-or-dog/predict", 1, "open"),
        ("/models/iris/predict", 1, "closed"),
        ("/models/iris/predict", 1, "open"),
    ]
    assert all(window.client.answered > 0 for window in small.windows)


def test_each_window_has_what_the_machine_said(small):
    for window in small.windows:
        server = window.server
        assert server.answered == window.client.answered
        assert server.cpu_ms > server.idle_cpu_ms >= 0
        assert server.spin_ms > 0
        assert len(server.pss_bytes_by_worker) == window.point.workers
        assert min(server.pss_bytes_by_worker.values()) > 1 << 20
        assert len(window.client.answered_by_worker) == window.point.workers


def test_the_product_tells_which_worker_answered_without_a_header(small):
    closed = [w for w in small.windows if w.point.regime == "model" and not w.point.offered_rps]

    assert len(closed) == 2
    for window in closed:
        assert sum(window.client.answered_by_worker.values()) == window.client.answered


def test_open_arrivals_are_a_share_of_what_the_first_window_served(small):
    closed, offered = (w for w in small.windows if w.point.regime == "cpu")

    assert offered.point.offered_rps == pytest.approx(0.4 * closed.throughput_rps, rel=0.05)


def test_an_injected_law_is_found_again(tmp_path):
    sigma, kappa = 0.1, 0.01
    said = swept(
        tmp_path,
        *("--workers", "wait=1,2,4,8", "--law", str(sigma), str(kappa)),
        *("--rounds", "1", "--window-s", "2", "--ramp-s", "0.6"),
    )
    assert said.returncode == 0, said.stderr

    # Also what a busy test machine had refused: that spoils the latencies, hardly the law.
    windows = read(tmp_path / "results.json").windows
    found = fit(
        [
            Sample(workers=w.point.workers, throughput_rps=w.throughput_rps, round=w.round)
            for w in windows
        ],
        draws=0,
    )

    # With so few windows σ and κ trade places, and only together they are sure.
    law = {name: each.value for name, each in found.usl.by_name.items()}
    for workers in (2, 4, 8):
        loss = loss_of(workers, law["sigma"], law["kappa"])
        assert loss == pytest.approx(loss_of(workers, sigma, kappa), rel=0.15)
    assert found.chosen.law != "linear"


def loss_of(workers, sigma, kappa):
    """How many times less each of *workers* serves than one alone: the USL's denominator."""
    return 1 + sigma * (workers - 1) + kappa * workers * (workers - 1)


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_an_interrupted_sweep_leaves_what_it_measured_and_no_process(tmp_path, sent, code):
    path = tmp_path / "results.json"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "load", "sweep", "--out", str(tmp_path)),
            *("--workers", "wait=1", "--rounds", "50", "--window-s", "0.3", "--ramp-s", "0.1"),
        ],
        cwd=PROJECT,
        stderr=subprocess.PIPE,
        text=True,
    )
    eventually(lambda: path.exists() and read(path).windows)
    started = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(sent)
    said = process.communicate(timeout=20)[1]

    assert process.returncode == code, said
    assert read(path).windows
    assert sent is signal.SIGKILL or f"all are in {path}" in said
    eventually(lambda: not any(one.is_running() and one.status() != "zombie" for one in started))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--workers", "wait=0"), "'wait=0' given"),
        (("--workers", "disk=1"), "'disk=1' given"),
        (("--rounds", "0"), "0 given; give a whole number from 1"),
        (("--window-s", "soon"), "soon given; give a number above 0"),
        (("--regimes", "disk"), "disk"),
    ],
)
def test_a_wrong_option_is_named_with_what_is_wanted(monkeypatch, capsys, options, words):
    monkeypatch.setattr(sys, "argv", ["load", "sweep", *options])
    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert words in capsys.readouterr().err
