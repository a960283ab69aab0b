"""The pods that manifests describe: a Deployment's, or those that KServe makes of its two kinds."""

from dataclasses import dataclass

NAME = "app.kubernetes.io/name"
INFERENCE_SERVICE = "serving.kserve.io/inferenceservice"


@dataclass
class Pods:
    """What runs: the pods' labels, their spec, and the container that serves."""

    labels: dict
    spec: dict
    container: dict
    bounds: tuple  # fewest and most of them, as the autoscaler has them
    surge: dict  # how they are replaced

    @property
    def environment(self):
        return {each["name"]: each.get("value") for each in self.container.get("env", [])}

    @property
    def ports(self):
        return {each["name"]: each["containerPort"] for each in self.container["ports"]}

    @property
    def sleep_s(self):
        """How long a pod still serves before it hears SIGTERM."""
        before = find(self.container, "lifecycle.preStop") or {}
        if "sleep" in before:
            return before["sleep"]["seconds"]
        command = find(before, "exec.command") or [""]
        text = command[-1]
        digits = "".join(filter(str.isdigit, text))
        return int(digits) if command[0] == "python" and "time.sleep(" in text else 0


def find(document, way):
    """What stands at *way*, dotted, or None."""
    for step in way.split("."):
        if isinstance(document, list) and step.isdigit() and int(step) < len(document):
            document = document[int(step)]
        elif isinstance(document, dict) and step in document:
            document = document[step]
        else:
            return None
    return document


def of_kind(documents, kind):
    """The first document of this kind, or an empty one."""
    return next((each for each in documents if each["kind"] == kind), {})


def pods(documents):
    """The pods that *documents* ask for."""
    if of_kind(documents, "InferenceService"):
        return _of_kserve(documents)
    deployment = of_kind(documents, "Deployment")
    spec = find(deployment, "spec.template.spec")
    autoscaler = of_kind(documents, "HorizontalPodAutoscaler").get("spec", {})
    scaled = of_kind(documents, "ScaledObject").get("spec", {})
    bounds = (
        autoscaler.get("minReplicas", scaled.get("minReplicaCount", 0)),
        autoscaler.get("maxReplicas", scaled.get("maxReplicaCount", 0)),
    )
    return Pods(
        find(deployment, "spec.template.metadata.labels") or {},
        spec,
        spec["containers"][0],
        bounds,
        find(deployment, "spec.strategy.rollingUpdate") or {},
    )


def _of_kserve(documents):
    service, runtime = (of_kind(documents, kind) for kind in ("InferenceService", "ServingRuntime"))
    predictor = service["spec"]["predictor"]
    return Pods(
        {INFERENCE_SERVICE: service["metadata"]["name"]},
        {**runtime["spec"], **predictor},
        runtime["spec"]["containers"][0],
        (predictor.get("minReplicas", 0), predictor.get("maxReplicas", 0)),
        find(predictor, "deploymentStrategy.rollingUpdate") or {},
    )
