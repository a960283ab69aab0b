"""What kustomize makes of a folder of config/kubernetes, with the kubectl that is pinned here."""

import functools
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import PROJECT
from tests.live.monitoring import tool

INSTALLED = Path(sys.prefix) / "kubernetes"
MANIFESTS = PROJECT / "config/kubernetes"
OVERLAYS = ("plain", "keda", "kserve")


def installed(place):
    """What `make install-kubernetes` brings; without it CI fails and a workstation skips."""
    path = INSTALLED / place
    if not path.exists() and os.environ.get("CI") != "true":
        pytest.skip(f"{place} is not installed: make install-kubernetes")
    assert path.exists(), f"{path} is missing, and CI=true"
    return path


def kubectl():
    """The pinned one, which is for Linux on x86-64; elsewhere the machine's own."""
    pinned = (sys.platform, platform.machine()) == ("linux", "x86_64")
    return installed("kubectl/kubectl") if pinned else tool("kubectl", "kubectl")


def rendered(folder):
    """The documents that `kubectl kustomize` prints for *folder*."""
    done = subprocess.run(
        [kubectl(), "kustomize", folder],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr  # such as a field that is deprecated
    return list(yaml.safe_load_all(done.stdout))


@functools.cache
def overlay(name):
    """The documents of a shipped overlay; not to be changed."""
    return rendered(MANIFESTS / "overlays" / name)


def with_components(folder, *names, base="plain"):
    """An overlay in *folder* that puts components onto the overlay *base*."""
    there = os.path.relpath(MANIFESTS, folder)
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [f"{there}/overlays/{base}"],
        "components": [f"{there}/components/{name}" for name in names],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return rendered(folder)


def one(documents, kind):
    """The only document of this kind."""
    (found,) = (each for each in documents if each["kind"] == kind)
    return found
