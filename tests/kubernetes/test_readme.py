"""The overlay that the README shows is one."""

import re
import shutil

import yaml

from tests.kubernetes.pods import find, pods
from tests.kubernetes.policy import faults
from tests.kubernetes.rendering import MANIFESTS, rendered
from tests.kubernetes.schemas import schema_faults

SHOWN = re.findall(
    r"^```yaml\n(.*?)^```", (MANIFESTS / "README.md").read_text(), re.DOTALL | re.MULTILINE
)


def test_an_overlay_of_ones_own_renders_and_keeps_every_rule(tmp_path):
    documents = render(tmp_path, yaml.safe_load(SHOWN[0]))
    its = pods(documents)

    assert its.container["image"] == "ghcr.io/my-company/weir:1.4"
    assert its.environment["FORWARDED_ALLOW_IPS"] == "10.0.0.0/8"
    assert "PodMonitor" in {each["kind"] for each in documents}
    assert faults(documents) == set()


def test_models_from_a_volume_render_and_are_mounted(tmp_path):
    documents = render(tmp_path, yaml.safe_load(SHOWN[0]) | yaml.safe_load(SHOWN[1]))
    its = pods(documents)

    assert its.environment["WEIR_MODELS"] == its.container["volumeMounts"][-1]["mountPath"]
    assert find(its.spec, "volumes.3.persistentVolumeClaim.readOnly") is True
    for document in documents:
        assert schema_faults(document, tmp_path) == []


def render(folder, kustomization):
    """*kustomization* as an overlay beside the shipped ones."""
    mine = folder / "kubernetes/overlays/mine"
    shutil.copytree(MANIFESTS, folder / "kubernetes")
    mine.mkdir()
    (mine / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return rendered(mine)
