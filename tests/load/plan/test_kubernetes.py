"""`python -m load plan --kubernetes`: an overlay that renders on the shipped base."""

import re
import shutil

import pytest

from load.campaign import read
from tests.conftest import PROJECT
from tests.kubernetes.pods import find, of_kind, pods
from tests.kubernetes.policy import faults
from tests.kubernetes.rendering import MANIFESTS, overlay, rendered
from tests.kubernetes.schemas import schema_faults

COMPUTES = "--rps 400 --p99 250ms --dyno performance-m"
WAITS = "--regime wait --rps 400 --p99 600ms --dyno performance-m"
SHIPPED = "--rps 100 --p99 200ms --dyno standard-2x"
CAMPAIGN = PROJECT / "load/results/0002-workers-share/model.json"
CPU = "spec.metrics.0.resource.target.averageUtilization"


@pytest.fixture
def rendered_plan(typed, tmp_path):
    """What kustomize makes of what the command prints, where its first line says."""

    def render(arguments, *results):
        code, out, _ = typed(f"{arguments} --kubernetes", *results)
        assert code == 0
        shutil.copytree(MANIFESTS, tmp_path / "config/kubernetes")
        place = tmp_path / re.match(r"# (\S+)\n", out)[1]
        place.parent.mkdir()
        place.write_text(out)
        return rendered(place.parent)

    return render


@pytest.mark.parametrize("arguments", [COMPUTES, WAITS])
def test_the_overlay_is_valid_and_keeps_every_rule(rendered_plan, arguments, tmp_path):
    documents = rendered_plan(arguments)

    assert faults(documents) == set()
    for document in documents:
        assert schema_faults(document, tmp_path) == []


def test_the_overlay_holds_the_plan(rendered_plan, typed):
    documents = rendered_plan(COMPUTES)
    its = pods(documents)
    _, told, _ = typed(COMPUTES)

    assert f"WEB_CONCURRENCY={its.environment['WEB_CONCURRENCY']}\n" in told
    assert its.environment["WEIR_ADMIN_PORT"] == "8081"
    assert its.container["resources"]["requests"]["cpu"] == "2"
    assert its.bounds == (int(re.search(r"ps:scale web=(\d+)", told)[1]), its.bounds[0] * 3)
    assert 10 < find(of_kind(documents, "HorizontalPodAutoscaler"), CPU) < 90


def test_where_requests_wait_keda_counts_those_in_flight(rendered_plan):
    documents = rendered_plan(WAITS)
    scaled = of_kind(documents, "ScaledObject")["spec"]
    trigger = scaled["triggers"][0]["metadata"]

    assert "http_requests_in_flight" in trigger["query"]
    assert int(trigger["threshold"]) > 1
    assert scaled["minReplicaCount"] > 1
    assert scaled["fallback"]["replicas"] > scaled["minReplicaCount"]


def test_the_shipped_figures_are_those_of_the_committed_campaign(rendered_plan):
    planned = rendered_plan(SHIPPED, read(CAMPAIGN))
    mine, shipped = pods(planned), pods(overlay("plain"))

    assert mine.environment == shipped.environment
    assert mine.container["resources"] == shipped.container["resources"]
    assert find(of_kind(planned, "HorizontalPodAutoscaler"), CPU) == find(
        of_kind(overlay("plain"), "HorizontalPodAutoscaler"), CPU
    )
