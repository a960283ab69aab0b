"""Which machine this is, and which of its cores serve and which send."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import psutil

from load.campaign import Machine

PROJECT = Path(__file__).resolve().parents[2]
SERVING = (
    "flask", "gevent", "gunicorn", "marshmallow", "numpy", "onnxruntime", "orjson", "pillow",
    "prometheus-client", "structlog",
)  # fmt: skip


def cores() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The server's cores and the generator's: the last, where there is more than one."""
    ours = tuple(sorted(os.sched_getaffinity(0)))
    return (ours[:-1] or ours), ours[-1:]


def this_machine() -> Machine:
    """What it is, for a reader who wants to compare."""
    serves, sends = cores()
    return Machine(
        cpu=_cpu_name(),
        cores=len({*serves, *sends}),
        memory_bytes=psutil.virtual_memory().total,
        kernel=platform.release(),
        python=platform.python_version(),
        versions={name: version(name) for name in SERVING},
        commit=_commit(),
        server_cores=serves,
        generator_cores=sends,
    )


def _cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _commit() -> str:
    """The commit, with a plus if the files differ from it; "unknown" outside a repository."""
    try:
        said = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=9"],  # noqa: S607  # from PATH
            cwd=PROJECT,
            check=True,
            capture_output=True,
            text=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return said.stdout.strip()
