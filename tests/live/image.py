"""The container image: built from the Dockerfile by buildah, on bases that mmdebstrap makes."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.live.monitoring import tool

# What stands for Docker's python:slim, so that no registry need be reached. What runs has no shell.
SUITE = "bookworm"
RUNTIME = "python3-minimal,python3-venv,ca-certificates,libstdc++6"
BUILDING = f"{RUNTIME},dash,coreutils"


@dataclass(frozen=True)
class Image:
    """A built image: its file system, and what it says of how it is run."""

    root: Path
    config: dict[str, Any]


class Builder:
    """Buildah with a storage of its own in *folder*."""

    def __init__(self, folder):
        self._folder = folder
        self._buildah = [
            *(tool("buildah", "buildah"), "--storage-driver=vfs"),
            *(f"--root={folder}/storage", f"--runroot={folder}/run"),
        ]

    def base(self, name, packages, variant="extract"):
        """Make the image *name* of Debian's *packages* and those of the *variant*."""
        archive = self._folder / f"{name}.tar"
        made = tool("mmdebstrap", "mmdebstrap")
        options = ["--quiet", f"--variant={variant}", f"--include={packages}"]
        done([made, *options, SUITE, str(archive)])
        container = self._told("from", "scratch")
        self._told("add", "--quiet", container, str(archive), "/")
        self._told("commit", "--quiet", "--rm", container, f"localhost/{name}")
        archive.unlink()

    def build(self, context, name="weir", **arguments):
        """Build the Dockerfile in *context*, and mount what has become of it."""
        bases = {"BASE": "localhost/building", "RUNTIME": "localhost/runtime"}
        given = [f"--build-arg={key}={value}" for key, value in (bases | arguments).items()]
        # The format that has health checks; buildah's own has none.
        options = ["--format=docker", "--isolation=chroot", "--pull-never", *self._packages()]
        self._told("build", *options, *given, f"--tag=localhost/{name}", str(context))
        told = json.loads(self._told("inspect", "--type=image", f"localhost/{name}"))
        container = self._told("from", "--pull-never", f"localhost/{name}")
        return Image(Path(self._told("mount", container)), told["Docker"]["config"])

    def _packages(self):
        """How pip reaches its index from here, for the build alone."""
        listed = done([sys.executable, "-m", "pip", "config", "list"]).splitlines()
        pairs = [line.partition("=")[::2] for line in listed]
        told = {key.rpartition(".")[2]: value.strip("'") for key, value in pairs}
        settings = self._folder / "pip.conf"
        settings.write_text("\n".join(["[global]", *(f"{k} = {v}" for k, v in told.items()), ""]))
        words = [word for value in told.values() for word in value.split()]
        # An index on disk refers to the files beside it.
        indexes = [str(Path(word[7:]).parent) for word in words if word.startswith("file://")]
        there = [path for path in {*words, *indexes} if path[0] == "/" and Path(path).exists()]
        volumes = [f"--volume={path}:{path}:ro" for path in there]
        return [f"--volume={settings}:/etc/pip.conf:ro", *volumes]

    def _told(self, *words):
        return done([*self._buildah, *words]).strip()


def done(command):
    """What *command* says on its standard output; it must end well."""
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert ended.returncode == 0, f"{ended.stdout[-2000:]}\n{ended.stderr[-4000:]}"
    return ended.stdout


@contextmanager
def builder(folder):
    """A builder with both bases; what it has made is taken away at the end."""
    if os.getuid() != 0:
        assert os.environ.get("CI") != "true", "only root builds and runs images here"
        pytest.skip("only root builds and runs images here")
    made = Builder(folder)
    try:
        made.base("building", BUILDING)
        made.base("runtime", RUNTIME)
        yield made
    finally:
        shutil.rmtree(folder)
