"""An image that runs in a container as platforms confine one, by runc."""

import json
import os
import random
import subprocess
import sys
from itertools import count

import requests

from tests.conftest import eventually
from tests.live.instance import free_port
from tests.live.monitoring import tool

MEMORY_BYTES = 256 << 20
WRITABLE = ("/tmp", "/dev/shm")
NUMBERS = count()


class Contained:
    """
    One that runs, until the end of the with statement.

    It has a random user in group 0, no capabilities, a read-only root with memory at /tmp and
    /dev/shm, 256 MB and one CPU; of the network it has the machine's.
    """

    def __init__(self, folder, image, *, mounts=(), memory_bytes=MEMORY_BYTES, **variables):
        """Run *image*; *mounts* are folders of the machine's, and where they are seen."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"{self.port}.log"
        self.user = random.randrange(1_000_000_000, 2_000_000_000)
        self._image = image
        self._name = f"weir-test-{os.getpid()}-{next(NUMBERS)}"
        bundle = folder / self._name
        bundle.mkdir()
        variables = {"PORT": str(self.port), "WEIR_LOG_FORMAT": "json"} | variables
        specification = self._specification(mounts, variables, memory_bytes)
        (bundle / "config.json").write_text(json.dumps(specification))
        self._runc = [tool("runc", "runc"), f"--root={folder}/runc"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*self._runc, "run", f"--bundle={bundle}", self._name], stdout=log, stderr=log
            )

    def __enter__(self):
        try:
            eventually(self.is_ready, within_s=60)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(self, _kind, error, _trace):
        if self.process.poll() is None:
            self.send("SIGKILL")
            self.process.wait(20)
        if error is not None:
            sys.stderr.write(self.log.read_text()[-5000:])

    def is_ready(self):
        assert self.process.poll() is None, self.log.read_text()
        try:
            return requests.get(self.url + "/readyz", timeout=5).ok
        except (requests.ConnectionError, requests.ReadTimeout):
            return False

    def run(self, *command):
        """Run *command* in the container, as platforms run probes and hooks."""
        words = [*self._runc, "exec", self._name, *command]
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)

    def health(self):
        """Run the image's own health check."""
        kind, *command = self._image.config["Healthcheck"]["Test"]
        assert kind == "CMD"
        return self.run(*command)

    def send(self, signal, *options):
        """Send *signal* to the container's first process, or with --all to each."""
        subprocess.run([*self._runc, "kill", *options, self._name, signal], check=True, timeout=20)

    def stop(self):
        """Stop it as a platform does; its exit code."""
        self.send(self._image.config["StopSignal"])
        return self.process.wait(40)

    def _specification(self, mounts, variables, memory_bytes):
        """The container as the OCI's runtime specification puts it."""
        told = self._image.config
        environ = [*told["Env"], *(f"{name}={value}" for name, value in variables.items())]
        return {
            "ociVersion": "1.0.2",
            "process": {
                "user": {"uid": self.user, "gid": 0},
                "args": told["Cmd"],
                "env": environ,
                "cwd": told["WorkingDir"],
                "capabilities": {},
                "noNewPrivileges": True,
            },
            "root": {"path": str(self._image.root), "readonly": True},
            "mounts": [*system_mounts(), *(bound(*pair) for pair in mounts)],
            "linux": {
                "namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts")],
                "cgroupsPath": f"/{self._name}",
                "resources": {
                    "memory": {"limit": memory_bytes},
                    "cpu": {"quota": 100_000, "period": 100_000},
                },
            },
        }


def system_mounts():
    safe = ["nosuid", "nodev", "noexec", "mode=1777"]
    writable = [
        {"destination": place, "type": "tmpfs", "source": "tmpfs", "options": safe}
        for place in WRITABLE
    ]
    device = {"type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]}
    return [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", **device},
        *writable,
        {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro"]},
        {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro"]},
    ]


def bound(folder, place):
    options = ["rbind", "ro"]
    return {"destination": place, "type": "bind", "source": str(folder), "options": options}
