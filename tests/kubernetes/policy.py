"""What the manifests owe: to whoever runs the cluster, and to Weir's own drain. Faults by name."""

import runpy

from environs import Env

from config import settings
from tests.conftest import PROJECT
from tests.kubernetes.pods import find, of_kind, pods

GUNICORN = runpy.run_path(str(PROJECT / "gunicorn.conf.py"))
LOAD_TIMEOUT_S = settings.read(Env(eager=False)).load_timeout_s
END_S = 1  # of the instance itself, once its workers have left
SLEEP_S = range(10, 16)
AUTOSCALER_CLASS = "serving.kserve.io/autoscalerClass"
DEPLOYMENT_MODE = "serving.kserve.io/deploymentMode"
PATHS = {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}


def faults(documents):
    """The names of the rules that *documents*, as rendered, break."""
    return {name for name, kept in rules(documents).items() if not kept}


def rules(documents):
    """Every rule for *documents* by name, and whether they keep it."""
    its = pods(documents)
    found = {
        **_security(its),
        **_lifecycle(its),
        **_room(its),
        **_fleet(documents, its),
    }
    if of_kind(documents, "InferenceService"):
        return found | _kserve(documents, its)
    found |= _deployed(documents, its)
    if of_kind(documents, "ScaledObject"):
        found |= _keda(of_kind(documents, "ScaledObject")["spec"])
    return found


def _security(its):
    """Kubernetes' restricted Pod Security Standard, and what goes beyond it."""
    everyone, own = its.spec.get("securityContext", {}), its.container.get("securityContext", {})
    kinds = [set(volume) - {"name"} for volume in its.spec["volumes"]]
    return {
        "non-root": everyone.get("runAsNonRoot") is True and own.get("runAsNonRoot", True),
        "no user of our choice": not {"runAsUser", "fsGroup"} & {*everyone, *own},  # OpenShift's
        "seccomp": find(everyone, "seccompProfile.type") == "RuntimeDefault"
        and "seccompProfile" not in own,
        "no escalation": own.get("allowPrivilegeEscalation") is False,
        "unprivileged": not own.get("privileged"),
        "read-only root": own.get("readOnlyRootFilesystem") is True,
        "no capabilities": own.get("capabilities") == {"drop": ["ALL"]},
        "no token": its.spec.get("automountServiceAccountToken") is False,
        "no service links": its.spec.get("enableServiceLinks") is False,
        "no host": not any(its.spec.get(f"host{name}") for name in ("Network", "PID", "IPC")),
        "no host's folders": all(kind <= {"emptyDir", "secret"} for kind in kinds),
    }


def _lifecycle(its):
    probes = {name: its.container.get(f"{name}Probe", {}) for name in PATHS}
    grace_s = its.spec.get("terminationGracePeriodSeconds", 0)
    return {
        **{
            f"{name} asks {path}": find(probes[name], "httpGet.path") == path
            and find(probes[name], "httpGet.port") == "admin"
            for name, path in PATHS.items()
        },
        "startup outlasts a load": _patience_s(probes["startup"]) >= LOAD_TIMEOUT_S,
        "liveness after Gunicorn": _patience_s(probes["liveness"]) > GUNICORN["timeout"],
        "readiness within the sleep": 0 < _patience_s(probes["readiness"]) <= min(SLEEP_S),
        "probes may take a while": all(
            each.get("timeoutSeconds", 1) > 1 for each in probes.values()
        ),
        "sleep before SIGTERM": its.sleep_s in SLEEP_S,
        "grace": grace_s >= its.sleep_s + GUNICORN["graceful_timeout"] + END_S,
        "replaced before they leave": its.surge.get("maxUnavailable") == 0
        and its.surge.get("maxSurge") not in {None, 0},
    }


def _patience_s(probe):
    """How long a probe may fail."""
    return probe.get("periodSeconds", 0) * probe.get("failureThreshold", 0)


def _room(its):
    resources = its.container.get("resources", {})
    volumes = {volume["name"]: volume for volume in its.spec["volumes"]}
    mounts = {each["mountPath"]: each for each in its.container.get("volumeMounts", [])}
    behind = {path: volumes[mount["name"]] for path, mount in mounts.items()}
    return {
        "requests": set(resources.get("requests", {})) == {"cpu", "memory"},
        "limits": set(resources.get("limits", {})) == {"cpu", "memory"},
        "memory is granted": find(resources, "requests.memory") == find(resources, "limits.memory"),
        "workers": str(its.environment.get("WEB_CONCURRENCY")).isdigit(),
        "/dev/shm": find(behind.get("/dev/shm"), "emptyDir.medium") == "Memory",
        "/tmp": "emptyDir" in behind.get("/tmp", {}),
        "bounded folders": all(
            volume["emptyDir"].get("sizeLimit")
            for volume in volumes.values()
            if "emptyDir" in volume
        ),
        "keys only if asked for": find(behind.get("/etc/weir"), "secret.optional")
        is ("WEIR_API_KEYS_FILE" not in its.environment)
        and mounts["/etc/weir"].get("readOnly") is True,
        "no key for everyone": not settings.SECRETS & {*its.environment},
        "an image of a version": ":" in its.container["image"].rpartition("/")[2]
        and not its.container["image"].endswith(":latest"),
    }


def _fleet(documents, its):
    budget = of_kind(documents, "PodDisruptionBudget").get("spec", {})
    spread = its.spec.get("topologySpreadConstraints", [])
    hosts = {each["topologyKey"].split("/")[1] for each in spread if _selects(each, its, "label")}
    return {
        "two at least": 2 <= its.bounds[0] < its.bounds[1],
        "spread over zones": "zone" in hosts,
        "spread over nodes": "hostname" in hosts,
        "unschedulable for no spread": all(
            each.get("whenUnsatisfiable") == "ScheduleAnyway" for each in spread
        ),
        "disruption budget": budget.get("maxUnavailable") == 1 and _selects(budget, its),
        "a broken pod may be evicted": budget.get("unhealthyPodEvictionPolicy") == "AlwaysAllow",
    }


def _selects(spec, its, prefix=""):
    """Whether the selector of *spec* is for these pods."""
    wanted = find(spec, f"{prefix}Selector.matchLabels" if prefix else "selector.matchLabels")
    return bool(wanted) and wanted.items() <= its.labels.items()


def _deployed(documents, its):
    deployment = of_kind(documents, "Deployment")["spec"]
    ports = [each.get("targetPort") for each in find(_service(documents), "ports") or []]
    monitor = of_kind(documents, "PodMonitor").get("spec")
    endpoint = find(monitor, "podMetricsEndpoints.0") or {}
    return {
        "no replicas": "replicas" not in deployment,
        "Deployment selects": _selects(deployment, its),
        "Service selects": _service(documents).get("selector") == its.labels,
        "Service's port": ports == ["http"],
        "one autoscaler": len(_autoscalers(documents)) == 1
        and find(_autoscalers(documents)[0], "spec.scaleTargetRef.name")
        == of_kind(documents, "Deployment")["metadata"]["name"],
        **_network(of_kind(documents, "NetworkPolicy").get("spec", {}), its),
        "monitored": monitor is None
        or (
            _selects(monitor, its)
            and endpoint["port"] == "admin"
            and endpoint["path"] == "/metrics"
        ),
    }


def _service(documents):
    return of_kind(documents, "Service").get("spec", {})


def _autoscalers(documents):
    return [
        each for each in documents if each["kind"] in {"HorizontalPodAutoscaler", "ScaledObject"}
    ]


def _network(policy, its):
    doors = {
        rule["ports"][0]["port"]: rule.get("from") for rule in policy.get("ingress", [{}]) if rule
    }
    return {
        "policy selects": find(policy, "podSelector.matchLabels") == its.labels,
        "policy for both ways": policy.get("policyTypes") == ["Ingress", "Egress"],
        "no way out": policy.get("egress") == [],
        "the doors are http and admin": set(doors) == {"http", "admin"} <= set(its.ports),
        "metrics for the monitoring alone": bool(doors.get("admin")),
    }


def _keda(spec):
    (trigger,) = spec["triggers"]
    asked = trigger["metadata"]
    return {
        "one element": asked["query"].startswith("sum(") and " by " not in asked["query"],
        "nothing is no zero": asked.get("ignoreNullValues") == "false",
        "fallback takes none away": find(spec, "fallback.behavior") == "currentReplicasIfHigher",
        "fallback is more than the fewest": (find(spec, "fallback.replicas") or 0)
        > spec.get("minReplicaCount", 0),
        "an average": trigger.get("metricType") == "AverageValue",
    }


def _kserve(documents, its):
    runtime = of_kind(documents, "ServingRuntime")["spec"]
    service = of_kind(documents, "InferenceService")
    model = find(service, "spec.predictor.model")
    formats = {each["name"]: each.get("autoSelect") for each in runtime["supportedModelFormats"]}
    (first, *_) = its.container["ports"]
    annotations = runtime.get("annotations", {})
    return {
        "kserve-container": its.container["name"] == "kserve-container",
        "V2": runtime.get("protocolVersions") == ["v2"] and model["protocolVersion"] == "v2",
        "KServe's first port": first["containerPort"] == 8080,
        "/mnt/models": its.environment.get("WEIR_MODELS") == "/mnt/models"
        and its.environment.get("WEIR_MODEL_NAME") == "{{.Name}}",
        "formats": bool(formats.get("onnx")) and model["modelFormat"]["name"] in formats,
        "scraped by KServe": annotations.get("prometheus.kserve.io/port") == str(its.ports["admin"])
        and annotations.get("prometheus.kserve.io/path") == "/metrics",
        "the runtime is ours": model["runtime"]
        == of_kind(documents, "ServingRuntime")["metadata"]["name"],
        "no Knative": service["metadata"]["annotations"].get(DEPLOYMENT_MODE) == "Standard",
        "scaled by CPU": service["metadata"]["annotations"].get(AUTOSCALER_CLASS) == "hpa"
        and service["spec"]["predictor"].get("scaleMetric") == "cpu",
        "the model's resources": model.get("resources") == its.container.get("resources"),
    }
