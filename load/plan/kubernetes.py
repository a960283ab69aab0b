"""The plan for Kubernetes: an overlay on what config/kubernetes ships, as kustomize reads it."""

import math
import textwrap
from typing import Any

import msgspec

from load.plan.capacity import GROWTH, MEMORY_SHARE, SECOND_MS, Offer
from load.plan.demand import Demand
from load.plan.dynos import MIB, Dyno

NAME = "weir"  # of the Deployment, its container and its autoscaler in config/kubernetes
MEMORY_STEP_MIB = 32
UNLIMITED = 10_000
CHANCE = 3  # standard deviations
HEAD = """\
# config/kubernetes/overlays/planned/kustomization.yaml
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - ../{shipped}
patches:
"""


def pod(dyno: Dyno) -> Dyno:
    """A pod with *dyno*'s memory, and its cores for itself: Kubernetes has no neighbours' share."""
    return Dyno(
        name="pod",
        runtime="kubernetes",
        usd_a_month=0,
        memory_mib=dyno.memory_mib,
        cores=dyno.cores,
        most=UNLIMITED,
    )


def overlay(plan: Offer, demand: Demand, rps: float) -> str:
    """
    A kustomization.yaml for *plan*, to be written beside the shipped overlays.

    Where requests mostly wait, CPU says nothing, and their number in flight does: that is KEDA's.
    """
    patches = [_patch("Deployment", _deployment(plan, demand))]
    if plan.holding.cpu_bound:
        patches.append(_patch("HorizontalPodAutoscaler", _autoscaler(plan, demand, rps)))
    else:
        patches.append(_patch("ScaledObject", _scaled_object(plan, demand, rps)))
    shipped = "plain" if plan.holding.cpu_bound else "keda"
    return HEAD.format(shipped=shipped) + "".join(patches)


def _patch(kind: str, content: Any) -> str:
    text = msgspec.yaml.encode(content).decode()
    target = f"{{kind: {kind}, name: {NAME}}}"
    return f"  - target: {target}\n    patch: |-\n{textwrap.indent(text, ' ' * 6)}"


def _deployment(plan: Offer, demand: Demand) -> dict[str, Any]:
    """What is merged into the Deployment: lists by the names of their items."""
    granted = {"cpu": str(plan.dyno.cores), "memory": _memory(plan, demand)}
    container = {
        "name": NAME,
        "env": [{"name": "WEB_CONCURRENCY", "value": str(plan.workers.count)}],
        "resources": {"requests": granted, "limits": granted},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }


def _memory(plan: Offer, demand: Demand) -> str:
    """
    Room for one worker more than there are.

    A successor loads before its predecessor leaves, and a process of its own tries a model at the
    first start: without that room, cat-or-dog and iris are killed there.
    """
    needed_mib = demand.memory.bytes(plan.workers.count + 1) / MEMORY_SHARE / MIB
    return f"{math.ceil(needed_mib / MEMORY_STEP_MIB) * MEMORY_STEP_MIB}Mi"


def _autoscaler(plan: Offer, demand: Demand, rps: float) -> list[dict[str, Any]]:
    """What changes in the HorizontalPodAutoscaler: CPU as the planned load uses it, all there."""
    cpu_ms = demand.cost(plan.workers.count).cpu_ms
    used = rps / plan.dynos * cpu_ms / SECOND_MS / plan.dyno.cores
    return _replace(
        {
            "minReplicas": plan.dynos,
            "maxReplicas": GROWTH * plan.dynos,
            "metrics/0/resource/target/averageUtilization": max(1, round(100 * used)),
        }
    )


def _scaled_object(plan: Offer, demand: Demand, rps: float) -> list[dict[str, Any]]:
    """What changes in the ScaledObject."""
    return _replace(
        {
            "minReplicaCount": plan.dynos,
            "maxReplicaCount": GROWTH * plan.dynos,
            "triggers/0/metadata/threshold": str(_in_flight(plan, demand, rps)),
            "fallback/replicas": plan.dynos + 1,
        }
    )


def _in_flight(plan: Offer, demand: Demand, rps: float) -> int:
    """
    A pod's requests in flight, above which another is due.

    Those of the planned load (Little's law: rate × time), with all pods there, and three standard
    deviations of a Poisson count over all of them: a target at the mean adds pods by chance
    (load/experiments/burst.py). Never more than a pod holds.
    """
    mean = rps / plan.dynos * demand.service.mean_ms / SECOND_MS
    held = plan.holding.rps * demand.service.mean_ms / SECOND_MS
    return max(1, math.floor(min(mean + CHANCE * math.sqrt(mean / plan.dynos), held)))


def _replace(values: dict[str, Any]) -> list[dict[str, Any]]:
    """The operations of RFC 6902 that put *values* in their places in the spec."""
    return [
        {"op": "replace", "path": f"/spec/{place}", "value": value}
        for place, value in values.items()
    ]
