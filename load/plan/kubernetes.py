"""The plan for Kubernetes: a Deployment and its autoscaler, as YAML."""

import math
from typing import Any

import msgspec

from load.plan.capacity import MEMORY_SHARE, SECOND_MS, Offer
from load.plan.demand import Demand
from load.plan.dynos import MIB, Dyno

NAME = "weir"
IMAGE = "registry.example/weir:latest"
PORT = 8000
MEMORY_STEP_MIB = 32
GROWTH = 3  # times the replicas planned: as far as the autoscaler may go
UNLIMITED = 10_000


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


def manifest(plan: Offer, demand: Demand, rps: float) -> str:
    """A Deployment and a HorizontalPodAutoscaler for *plan*, two documents of YAML."""
    documents = (_deployment(plan, demand), _autoscaler(plan, demand, rps))
    return "---\n".join(msgspec.yaml.encode(document).decode() for document in documents)


def _deployment(plan: Offer, demand: Demand) -> dict[str, Any]:
    labels = {"app": NAME}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME, "labels": labels},
        "spec": {
            "replicas": plan.dynos,
            "selector": {"matchLabels": labels},
            "strategy": {"rollingUpdate": {"maxUnavailable": 1}},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "terminationGracePeriodSeconds": 35,
                    "containers": [_container(plan, demand)],
                },
            },
        },
    }


def _container(plan: Offer, demand: Demand) -> dict[str, Any]:
    environment = {"PORT": str(PORT), "WEB_CONCURRENCY": str(plan.workers.count)}
    granted = {"cpu": str(plan.dyno.cores), "memory": _memory(plan, demand)}
    return {
        "name": "web",
        "image": IMAGE,
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "ports": [{"containerPort": PORT}],
        "resources": {"requests": granted, "limits": granted},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": PORT}},
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": PORT}},
    }


def _memory(plan: Offer, demand: Demand) -> str:
    needed_mib = demand.memory.bytes(plan.workers.count) / MEMORY_SHARE / MIB
    return f"{math.ceil(needed_mib / MEMORY_STEP_MIB) * MEMORY_STEP_MIB}Mi"


def _autoscaler(plan: Offer, demand: Demand, rps: float) -> dict[str, Any]:
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": NAME},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": NAME},
            "minReplicas": plan.dynos,
            "maxReplicas": GROWTH * plan.dynos,
            "metrics": [_metric(plan, demand, rps)],
        },
    }


def _metric(plan: Offer, demand: Demand, rps: float) -> dict[str, Any]:
    """
    What a pod shows at the planned load, all pods there: above it, another pod is due.

    Where requests mostly wait, CPU says nothing, and their number in flight (by Little's law: rate
    × time) does; that needs a metrics adapter.
    """
    pod_rps = rps / plan.dynos
    cpu_ms = demand.cost(plan.workers.count).cpu_ms
    if plan.holding.cpu_bound:
        used = pod_rps * cpu_ms / SECOND_MS / plan.dyno.cores
        target = {"type": "Utilization", "averageUtilization": max(1, round(100 * used))}
        return {"type": "Resource", "resource": {"name": "cpu", "target": target}}
    in_flight = pod_rps * demand.service.mean_ms / SECOND_MS
    target = {"type": "AverageValue", "averageValue": str(max(1, round(in_flight)))}
    metric = {"name": "http_requests_in_flight"}
    return {"type": "Pods", "pods": {"metric": metric, "target": target}}
