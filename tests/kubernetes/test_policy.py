"""The shipped manifests keep every rule; each change for the worse breaks the one that is named."""

import copy

import pytest

from tests.kubernetes.mutations import CONTAINER, GONE, MUTATIONS, POD
from tests.kubernetes.pods import find, of_kind, pods
from tests.kubernetes.policy import faults, rules
from tests.kubernetes.rendering import OVERLAYS, overlay, with_components
from tests.kubernetes.schemas import schema_faults


@pytest.mark.parametrize("name", OVERLAYS)
def test_an_overlay_keeps_every_rule(name):
    assert faults(overlay(name)) == set()


@pytest.mark.parametrize(
    "components", [["monitored"], ["sleep-by-command"], ["keys"], ["monitored", "keys"]], ids=str
)
def test_an_overlay_keeps_every_rule_with_a_component(components, tmp_path):
    assert faults(with_components(tmp_path, *components)) == set()


def test_older_clusters_sleep_as_long_by_a_command_that_needs_no_shell(tmp_path):
    older = pods(with_components(tmp_path, "sleep-by-command"))

    assert "sleep" not in older.container["lifecycle"]["preStop"]
    assert find(older.container, "lifecycle.preStop.exec.command.0") == "python"
    assert older.sleep_s == pods(overlay("plain")).sleep_s


@pytest.mark.parametrize(
    ("name", "place", "value", "rule"),
    MUTATIONS,
    ids=[f"{name} {place} {'gone' if v is GONE else v}" for name, place, v, _ in MUTATIONS],
)
def test_a_change_for_the_worse_breaks_its_rule(name, place, value, rule):
    assert rule in faults(mutated(overlay(name), place, value))


def test_no_rule_is_without_a_change_that_breaks_it():
    named = {rule for name in OVERLAYS for rule in rules(overlay(name))}

    assert named == {rule for *_, rule in MUTATIONS}


@pytest.mark.parametrize("kind", ["PodDisruptionBudget", "NetworkPolicy", "Service"])
def test_a_manifest_that_is_missing_breaks_a_rule(kind):
    assert faults([each for each in overlay("plain") if each["kind"] != kind])


@pytest.mark.parametrize("name", POD)
@pytest.mark.parametrize("parts", [POD, CONTAINER], ids=["pod", "container"])
def test_no_field_of_a_security_context_can_be_left_out(name, parts):
    kind, way = parts[name].split(":")
    context = find(of_kind(overlay(name), kind), f"{way}.securityContext")

    assert len(list(leaves(context))) >= 2
    for leaf in leaves(context):
        assert faults(mutated(overlay(name), f"{parts[name]}.securityContext.{leaf}", GONE)), leaf


UNGUARDED = {  # what rules need not guard: tests of agreement do, or nothing depends on it
    "spec.revisionHistoryLimit",
    "spec.template.spec.containers.0.env.0.value",
    "spec.template.spec.containers.0.env.1.value",
    "spec.template.spec.volumes.2.secret.secretName",
}


@pytest.mark.parametrize("kind", ["Deployment", "NetworkPolicy", "PodDisruptionBudget"])
def test_no_field_can_be_left_out_unnoticed(kind, tmp_path):
    documents = overlay("plain")
    for way in leaves(of_kind(documents, kind)["spec"]):
        place = f"spec.{way}"
        if ".io/" not in way and place not in UNGUARDED:  # labels have dots of their own
            changed = mutated(documents, f"{kind}:{place}", GONE)
            assert is_refused(changed, kind, tmp_path), place


def is_refused(documents, kind, folder):
    try:
        return faults(documents) or schema_faults(of_kind(documents, kind), folder)
    except (KeyError, TypeError):  # so much is gone that no rule can be asked
        return True


def leaves(inner):
    """The ways to all that holds nothing else."""
    items = inner.items() if isinstance(inner, dict) else enumerate(inner)
    for step, value in items:
        if isinstance(value, dict | list):
            yield from (f"{step}.{way}" for way in leaves(value))
        else:
            yield str(step)


def mutated(documents, place, value):
    """*documents* with *value* at *place*, "Kind:dotted.way", or without what stands there."""
    kind, _, way = place.partition(":")
    changed = copy.deepcopy(documents)
    *steps, last = way.split(".")
    inner = find(of_kind(changed, kind), ".".join(steps)) if steps else of_kind(changed, kind)
    key = int(last) if isinstance(inner, list) else last
    if value is GONE:
        del inner[key]
    else:
        inner[key] = copy.deepcopy(value)
    return changed
