"""An interval holds the truth as often as it says."""

import os

import pytest
from scipy.stats import binom

from load.scaling import fit
from tests.load.scaling.machines import usl

FULL = os.environ.get("LOAD_COVERAGE") == "full"


CELLS = [(sigma, kappa) for sigma in (0, 0.01, 0.05, 0.2) for kappa in (0, 1e-4, 1e-3)]


def coverage(sigma, kappa, *, replications, rounds, shared=0.0):
    """How often each interval holds its parameter."""
    true = {"lambda": 100.0, "sigma": sigma, "kappa": kappa}
    hits = dict.fromkeys(true, 0)
    for seed in range(replications):
        given = usl(
            sigma,
            kappa,
            rounds=rounds,
            shared=shared,
            seed=1000 + seed,
            design=(1, 2, 4, 8, 16, 32),
        )
        found = fit(given, draws=0).usl.by_name
        for name, value in true.items():
            hits[name] += found[name].low <= value <= found[name].high
    return {name: count / replications for name, count in hits.items()}


@pytest.mark.parametrize(("sigma", "kappa"), CELLS if FULL else [(0, 0), (0.05, 1e-4), (0.2, 1e-3)])
@pytest.mark.parametrize("rounds", [5, 6, 7] if FULL else [6])
def test_an_interval_holds_the_truth_as_often_as_it_says(sigma, kappa, rounds):
    """All cells with 300 replications: LOAD_COVERAGE=full, in some minutes."""
    replications = 300 if FULL else 40
    found = coverage(sigma, kappa, replications=replications, rounds=rounds)
    print(f"sigma={sigma} kappa={kappa} rounds={rounds}", found)

    least = 0.92 if FULL else binom.ppf(0.001, replications, 0.95) / replications
    true = {"lambda": 100.0, "sigma": sigma, "kappa": kappa}
    for name, share in found.items():
        assert share >= least, name
        assert not FULL or share <= 0.98 or true[name] == 0, name  # at a bound it is one-sided
