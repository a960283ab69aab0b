"""The manifests and the service agree: what they ask of it, it has."""

import os
import re
import subprocess
import sys

import pytest
import requests
from environs import Env
from prometheus_client import REGISTRY

from config import settings
from service import __version__
from service.inference.runtimes import BACKENDS, INSTALLS
from tests.conftest import PROJECT, eventually
from tests.kubernetes.pods import find, of_kind, pods
from tests.kubernetes.rendering import OVERLAYS, overlay, with_components
from tests.live.container import container
from tests.live.instance import Instance, free_port

MIB = 1 << 20


@pytest.fixture(params=OVERLAYS)
def its(request):
    return pods(overlay(request.param))


def granted_bytes(its):
    return int(find(its.container, "resources.limits.memory").removesuffix("Mi")) * MIB


def variables_of(its):
    """The container's own, as KServe fills them in."""
    filled = {"{{.Name}}": "iris", "/mnt/models": str(PROJECT / "config/models/iris")}
    return {name: filled.get(value, value) for name, value in its.environment.items()}


def test_every_variable_is_a_setting_and_has_a_value_that_can_be_used(its, monkeypatch):
    known = Env(eager=False)
    settings.read(known)
    assert {*its.environment} <= {*known.dump()}

    for name, value in variables_of(its).items():
        monkeypatch.setenv(name, value)
    read = settings.from_environ()

    assert its.ports == {"http": read.port, "admin": read.admin_port}
    assert read.workers == int(its.environment["WEB_CONCURRENCY"])
    assert read.load_timeout_s == settings.read(Env(eager=False)).load_timeout_s


def test_every_path_that_is_asked_is_a_route(its, app):
    routes = {rule.rule for rule in app.url_map.iter_rules()}
    probes = {f"{name}Probe" for name in ("startup", "liveness", "readiness")}

    assert {find(its.container, f"{probe}.httpGet.path") for probe in probes} <= routes
    assert "/metrics" in routes


def test_the_image_is_of_this_release(its):
    assert its.container["image"].endswith(f":{__version__}")


def test_the_query_is_for_a_metric_of_ours_in_the_overlays_namespace():
    scaled = of_kind(overlay("keda"), "ScaledObject")
    query = find(scaled, "spec.triggers.0.metadata.query")
    metric, labels = re.fullmatch(r"sum\((\w+)\{(.*)\}\)", query).groups()
    monitor = of_kind(overlay("keda"), "PodMonitor")

    assert metric in {family.name for family in REGISTRY.collect()}
    assert f'namespace="{scaled["metadata"]["namespace"]}"' in labels
    assert f'job="{monitor["metadata"]["labels"][monitor["spec"]["jobLabel"]]}"' in labels


def test_kserve_is_told_every_platform_that_the_service_knows():
    runtime = of_kind(overlay("kserve"), "ServingRuntime")
    formats = {
        each["name"]: each["autoSelect"] for each in runtime["spec"]["supportedModelFormats"]
    }

    assert not any(formats[platform] for platform in INSTALLS)  # not in every image
    assert {*formats} == {*BACKENDS} - {"python"} | {"weir"}


def test_older_clusters_sleep_by_a_command_that_python_takes(tmp_path):
    command = find(
        pods(with_components(tmp_path, "sleep-by-command")).container,
        "lifecycle.preStop.exec.command",
    )
    shorter = [re.sub(r"sleep\(\d+\)", "sleep(0)", word) for word in command]

    assert shorter != command
    assert subprocess.run([sys.executable, *shorter[1:]], timeout=30, check=False).returncode == 0


@pytest.mark.skipif(
    os.geteuid() != 0 and os.environ.get("CI") != "true", reason="a memory cgroup wants root"
)
@pytest.mark.parametrize("name", ["plain", "kserve"])
def test_the_service_starts_within_the_memory_that_it_is_granted(name, tmp_path):
    its = pods(overlay(name))
    ports = {"PORT": str(free_port()), "WEIR_ADMIN_PORT": str(free_port())}
    variables = variables_of(its) | ports | {"WEIR_MODEL_CACHE": str(tmp_path / "cache")}
    loads = int(variables["WEB_CONCURRENCY"]) * (1 if "WEIR_MODEL_NAME" in variables else 2)
    with (
        container(granted_bytes(its)) as box,
        Instance(tmp_path, ready=False, command=box.command(), **variables) as instance,
    ):
        eventually(lambda: len(instance.lines(event="model_ready")) >= loads, within_s=60)
        for path in ("/healthz", "/readyz", "/metrics"):
            url = f"http://127.0.0.1:{ports['WEIR_ADMIN_PORT']}{path}"
            assert requests.get(url, timeout=10).ok
        assert requests.get(f"{instance.url}/v2/models/iris/ready", timeout=10).ok
        assert not instance.lines(level="error")
        assert box.kills() == 0
