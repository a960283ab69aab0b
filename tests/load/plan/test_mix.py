"""Traffic is a mix: a plan is for what a request of it asks for, on the whole."""

import ast
from itertools import chain

import msgspec
import numpy as np
import pytest

from load.campaign import Regime
from load.plan.demand import TooLittleMeasured, UnclearTarget, measured
from load.plan.mix import WEIGHTS, measured_mix
from tests.conftest import PROJECT
from tests.load.synthetic import Truth, campaign

CAT, IRIS = "/models/cat-or-dog/predict", "/models/iris/predict"


@pytest.fixture(scope="module")
def both():
    """A campaign of two targets, of which pictures take ten times the CPU time of flowers."""
    light = campaign(seed=1, rounds=4, truth=Truth())
    cpu_ms = {regime: 10 * cpu for regime, cpu in Truth().cpu_ms.items()}
    heavy = campaign(seed=2, rounds=4, truth=Truth(cpu_ms=cpu_ms))
    pictures = [
        msgspec.structs.replace(each, point=msgspec.structs.replace(each.point, target=CAT))
        for each in heavy.windows
        if each.point.regime == Regime.MODEL
    ]
    return msgspec.structs.replace(light, windows=tuple(chain(light.windows, pictures)))


def test_a_mix_costs_what_its_parts_cost_by_their_weights(both):
    cat, iris = (measured(both, Regime.MODEL, each) for each in (CAT, IRIS))

    mix = measured_mix(both, Regime.MODEL, {CAT: 1.0, IRIS: 3.0})

    for workers in mix.costs:
        expected_ms = 0.25 * cat.cost(workers).cpu_ms + 0.75 * iris.cost(workers).cpu_ms
        assert mix.cost(workers).cpu_ms == pytest.approx(expected_ms)
    expected_ms = 0.25 * cat.service.mean_ms + 0.75 * iris.service.mean_ms
    assert mix.service.mean_ms == pytest.approx(expected_ms, rel=0.01)
    assert np.all(np.diff(mix.service.values_ms) >= 0)
    assert (mix.slots, mix.lanes) == (min(cat.slots, iris.slots), min(cat.lanes, iris.lanes))
    assert mix.memory.bytes(4) >= max(cat.memory.bytes(4), iris.memory.bytes(4))
    assert mix.target == f"25% {CAT} + 75% {IRIS}"


def test_the_default_is_the_locustfile_s(both):
    mix = measured_mix(both, Regime.MODEL)

    assert mix.target == f"67% {CAT} + 33% {IRIS}"


def test_targets_that_no_user_asks_for_count_evenly(both):
    assert measured_mix(both, Regime.WAIT).target == "/wait"


def test_one_target_is_no_mix(both):
    alone = measured_mix(both, Regime.MODEL, {IRIS: 2.0})

    asked = measured(both, Regime.MODEL, IRIS)
    assert (alone.target, alone.costs.keys()) == (IRIS, asked.costs.keys())
    assert alone.service.mean_ms == asked.service.mean_ms


def test_what_was_not_measured_is_named(both):
    with pytest.raises(UnclearTarget, match=f"--mix /x: the model regime has {CAT}, {IRIS}"):
        measured_mix(both, Regime.MODEL, {"/x": 1.0})


def test_nothing_measured_is_no_mix(both):
    with pytest.raises(TooLittleMeasured, match="no window of the model regime"):
        measured_mix(msgspec.structs.replace(both, windows=()), Regime.MODEL)


def test_the_weights_are_those_of_the_locustfile():
    """Read from its text: importing Locust patches everything."""
    found = {}
    for node in ast.parse((PROJECT / "load/locustfile.py").read_text()).body:
        if isinstance(node, ast.ClassDef):
            told = {
                each.targets[0].id: each.value.value
                for each in node.body
                if isinstance(each, ast.Assign) and isinstance(each.value, ast.Constant)
            }
            if "weight" in told:
                model = told.get("model")
                found[f"/models/{model}/predict" if model else "/"] = told["weight"]

    assert found == WEIGHTS
