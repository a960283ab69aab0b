import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.stats import binom

from load.scaling import Law, Sample, TooFewSamples, fit, throughput
from tests.load.scaling.machines import DESIGN, samples, usl

SDM91 = {1: 65, 18: 996, 36: 1652, 72: 1853, 108: 1829, 144: 1775, 216: 1702}  # Gunther (2007)


GRANIAN = {1: 143_520, 2: 276_961, 4: 397_374}  # its own table of workers


def table(figures, *, rounds=1, noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    return [
        Sample(workers=n, throughput_rps=float(x * np.exp(noise * rng.standard_normal())), round=i)
        for i in range(rounds)
        for n, x in figures.items()
    ]


def said(found):
    return "\n".join(found.sentences)


def test_the_textbook_figures_of_gunthers_machine():
    found = fit(table(SDM91), draws=0).textbook

    assert found.lambda_rps == pytest.approx(89.99, abs=0.005)
    assert found.sigma == pytest.approx(0.02773, abs=5e-6)
    assert found.kappa == pytest.approx(1.0435e-4, abs=5e-9)
    assert int(found.peak_workers) == 96
    assert found.peak_rps == pytest.approx(1883.8, abs=0.05)


def test_the_published_figures_lie_in_the_intervals_of_the_fit_in_log_space():
    found = fit(table(SDM91), draws=0).usl.by_name

    for name, published in (("lambda", 89.99), ("sigma", 0.02773), ("kappa", 1.0435e-4)):
        assert found[name].low < published < found[name].high


def test_an_injected_law_comes_back():
    found = fit(usl(0.03, 5e-4))

    assert found.chosen.law is Law.USL
    for name, injected in (("lambda", 100), ("sigma", 0.03), ("kappa", 5e-4)):
        parameter = found.usl.by_name[name]
        assert parameter.low < injected < parameter.high
        assert parameter.value == pytest.approx(injected, rel=0.1)
    assert found.peak.low < np.sqrt(0.97 / 5e-4) < found.peak.high
    assert not found.refused
    assert found.hold_out.workers == 32
    assert abs(found.hold_out.error) < 0.15


def test_the_solver_agrees_with_scipys():
    given = usl(0.05, 1e-3, noise=0.05, shared=0.0, rounds=1, design=DESIGN * 4)
    found = fit(given, draws=0)
    workers = [each.workers for each in given]
    rps = np.log([each.throughput_rps for each in given])

    def residuals(theta):
        guess = dict(zip(("lambda", "sigma", "kappa"), theta * [100, 0.01, 1e-4], strict=True))
        return rps - np.log(throughput(Law.USL, guess, workers))

    theirs = least_squares(
        residuals, [1, 1, 1], loss="huber", f_scale=1.345 * found.window_noise, bounds=(0, np.inf)
    )
    ours = [found.usl.by_name[name].value for name in ("lambda", "sigma", "kappa")]
    assert ours == pytest.approx(theirs.x * [100, 0.01, 1e-4], rel=2e-3)


def test_one_wild_window_does_not_move_the_law():
    clean = usl(0.05, 1e-4)
    wild = [*clean[:6], Sample(workers=32, throughput_rps=100, round=0), *clean[7:]]
    found, straight = (fit(each, draws=0).usl.by_name["sigma"] for each in (wild, clean))

    assert found.value == pytest.approx(straight.value, abs=0.004)


def test_drift_between_rounds_widens_what_is_known_of_lambda_alone():
    still, drifting = (fit(usl(0.05, 1e-3, shared=each), draws=0) for each in (0.0, 0.1))

    def width(found, name):
        return found.usl.by_name[name].high - found.usl.by_name[name].low

    assert drifting.round_noise > 0.03
    assert drifting.window_noise == pytest.approx(still.window_noise, rel=0.3)
    assert width(drifting, "lambda") > 3 * width(still, "lambda")
    assert width(drifting, "sigma") < 1.5 * width(still, "sigma")


@pytest.mark.parametrize(
    ("law", "parameters", "accepted"),
    [
        (Law.LINEAR, {"lambda": 50.0}, {Law.LINEAR}),
        (Law.AMDAHL, {"lambda": 50.0, "sigma": 0.1}, {Law.AMDAHL}),
        (Law.USL, {"lambda": 50.0, "sigma": 0.05, "kappa": 1e-3}, {Law.USL}),
        (Law.QUEUE, {"lambda": 50.0, "demand": 0.1}, {Law.QUEUE, Law.AMDAHL}),
    ],
)
@pytest.mark.parametrize("seed", range(4))
def test_the_law_that_made_the_measurements_is_recognised(law, parameters, accepted, seed):
    found = fit(samples(law, parameters, seed=seed), draws=0)

    assert found.chosen.law in accepted
    assert not found.refused


def test_the_queue_is_the_machine_repairman():
    parallel_ms, serial_ms, workers = 90.0, 10.0, 12
    busy = [1.0]
    for idle in range(workers, 0, -1):  # the birth-death chain: its steady state is exact
        busy.append(busy[-1] * idle * serial_ms / parallel_ms)
    exact_per_s = (1 - busy[0] / sum(busy)) / serial_ms * 1e3

    found = throughput(Law.QUEUE, {"lambda": 10.0, "demand": 0.1}, [workers])
    assert found[0] == pytest.approx(exact_per_s)


def test_a_straight_line_has_no_peak_and_no_ceiling():
    found = fit(samples(Law.LINEAR, {"lambda": 50.0}))

    assert found.usl.by_name["kappa"].low == 0
    assert found.peak.workers is None
    assert 32 <= found.peak.none_below <= 64
    assert found.ceiling is None
    assert f"No peak below N = {found.peak.none_below}" in said(found)
    assert "inf" not in said(found)


def test_a_ceiling_is_told_with_its_interval():
    found = fit(samples(Law.AMDAHL, {"lambda": 50.0, "sigma": 0.1}))

    assert found.ceiling.low_rps < 500 < found.ceiling.high_rps
    assert "extrapolation" in said(found)


def at(found, workers):
    return next(band for band in found.bands if band.workers == workers)


def test_no_figure_past_twice_the_measured_unless_it_is_narrow():
    rough = fit(usl(0.05, 1e-3, noise=0.25, rounds=5))
    narrow = fit(usl(0.05, 1e-3, noise=0.01))

    assert rough.bands[-1].workers == 64
    assert at(narrow, 65).extrapolated
    assert all(
        each.window_low_rps > 0.8 * each.throughput_rps
        and each.window_high_rps < 1.2 * each.throughput_rps
        for each in narrow.bands
        if each.workers > 64
    )


def test_the_bands_hold_the_mean_and_the_next_window():
    found = fit(usl(0.05, 1e-4))
    for n in (1, 8, 32, 64):
        band, true = (
            at(found, n),
            throughput(Law.USL, {"lambda": 100, "sigma": 0.05, "kappa": 1e-4}, [n]),
        )
        assert band.mean_low_rps < true[0] < band.mean_high_rps
        assert band.window_low_rps < band.mean_low_rps < band.mean_high_rps < band.window_high_rps
        assert band.extrapolated is (n > 32)


def test_the_same_samples_give_the_same_fit():
    assert fit(usl(0.05, 1e-4)) == fit(usl(0.05, 1e-4))


@pytest.mark.parametrize("seed", range(5))
def test_workers_that_make_each_other_faster_are_refused(seed):
    found = fit(table(GRANIAN, rounds=5, noise=0.005, seed=seed))

    assert len(found.refused) == 1
    assert "sigma = -0.0" in found.refused[0]
    assert "generator" in found.refused[0]
    assert not found.bands
    assert found.peak is None


def test_three_figures_alone_carry_no_law():
    with pytest.raises(TooFewSamples, match=r"there are 3 at \[1, 2, 4\]"):
        fit(table(GRANIAN))


def test_without_one_worker_there_is_no_law():
    with pytest.raises(TooFewSamples, match="no valid window has one worker"):
        fit(table({2: 20, 4: 40, 8: 80}, rounds=5, noise=0.01))


def test_four_numbers_of_workers_are_needed_to_hold_one_out():
    assert fit(usl(0.1, 0, design=(1, 2, 4))).hold_out is None


def test_a_linear_machine_is_seldom_refused():
    refused = [fit(usl(0, 0, seed=seed), draws=0).refused for seed in range(60)]

    assert sum(map(bool, refused)) <= binom.ppf(0.999, 60, 0.01)


@pytest.mark.parametrize(
    "curve",
    [
        pytest.param(lambda n: 100.0 * n**0, id="flat"),
        pytest.param(lambda n: 100.0 / n, id="falling"),
        pytest.param(lambda n: 100.0 * min(n, 4), id="cliff"),
        pytest.param(lambda n: 100.0 * n**1.3, id="superlinear"),
        pytest.param(lambda n: [3.0, 90.0, 5.0, 700.0, 20.0, 9.0][n.bit_length() - 1], id="wild"),
    ],
)
@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize("rounds", [1, 3])
def test_odd_measurements_get_finite_figures_or_a_refusal(curve, noise, rounds):
    given = table({n: curve(n) for n in (1, 2, 4, 8, 16, 32)}, rounds=rounds, noise=noise)
    found = fit(given, draws=200)

    assert found.refused or found.bands
    for law in found.laws:
        for each in law.parameters:
            assert np.isfinite([each.low, each.value, each.high]).all()
            assert each.low <= each.value <= each.high
    assert "nan" not in said(found)
