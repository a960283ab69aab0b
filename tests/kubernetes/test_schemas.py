"""What is rendered is what the schemas want; a field that is misspelt is not."""

import copy

import pytest

from tests.kubernetes.rendering import OVERLAYS, one, overlay, with_components
from tests.kubernetes.schemas import schema_faults


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_manifest_of_an_overlay_is_valid(name, tmp_path):
    documents = overlay(name)

    assert len(documents) >= 3
    assert {each["metadata"]["namespace"] for each in documents} == {"weir"}
    for document in documents:
        assert schema_faults(document, tmp_path) == []


@pytest.mark.parametrize(
    "components", [["sleep-by-command"], ["keys"], ["monitored", "keys"]], ids=str
)
def test_every_manifest_is_valid_with_components(components, tmp_path):
    for document in with_components(tmp_path, *components):
        assert schema_faults(document, tmp_path) == []


@pytest.mark.parametrize(
    ("name", "kind", "place", "value"),
    [
        ("plain", "Deployment", "spec.template.spec.enableServiceLink", False),
        ("plain", "Deployment", "spec.template.spec.containers.0.livenesProbe", {}),
        ("plain", "HorizontalPodAutoscaler", "spec.minReplica", 2),
        ("plain", "NetworkPolicy", "spec.egres", []),
        ("plain", "PodDisruptionBudget", "spec.maxUnavailible", 1),
        ("plain", "Service", "spec.ports.0.targetPorts", "http"),
        ("keda", "ScaledObject", "spec.pollingIntervall", 15),
        ("keda", "ScaledObject", "spec.fallback.behavior", "never"),
        ("keda", "ScaledObject", "spec.maxReplicaCount", "6"),
        ("keda", "PodMonitor", "spec.podMetricsEndpoints.0.paths", "/metrics"),
        ("kserve", "ServingRuntime", "spec.protocolVersion", ["v2"]),
        ("kserve", "ServingRuntime", "spec.containers.0.preStop", {}),
        ("kserve", "InferenceService", "spec.predictor.model.format", "onnx"),
        ("kserve", "InferenceService", "spec.predictor.minReplicas", "two"),
    ],
)
def test_a_misspelt_field_or_a_wrong_value_is_a_fault(name, kind, place, value, tmp_path):
    document = copy.deepcopy(one(overlay(name), kind))
    *way, last = place.split(".")
    inner = document
    for step in way:
        inner = inner[int(step) if step.isdigit() else step]
    inner[last] = value

    assert schema_faults(document, tmp_path)
