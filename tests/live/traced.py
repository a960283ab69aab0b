"""What a program and its children talk to and write, as strace sees it."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

CALLS = (
    "connect,sendto,sendmsg,sendmmsg,openat,open,creat,mkdir,mkdirat,symlink,rename,renameat,link"
)
ADDRESS = re.compile(
    r"""sin6?_port=htons\((\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )"([^"]+)"""
)
MADE = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|^\d+ +(?:\d\S* +)?(?:mkdir|symlink|rename|link|creat)")
PATH = re.compile(r'"(/[^"]*)"')

# Where the project may write: itself, and what is for everybody's temporary files and devices.
PLACES = (f"{PROJECT}/", "/tmp/", "/dev/shm/", "/dev/null", "/dev/tty", "/dev/pts", "/proc/self")


def strace(trace):
    """What to write before a command so that *trace* tells of it; needs the program strace."""
    if not shutil.which("strace"):
        assert os.environ.get("CI") != "true", "strace is missing"
        pytest.skip("strace is not installed")
    return ["strace", "-f", "-qq", "--seccomp-bpf", "-e", f"trace={CALLS}", "-o", str(trace)]


def environment(home):
    """A user's, with a home of its own and none of the switches that CI services set."""
    left = {name: value for name, value in os.environ.items() if name not in {"CI", "KERAS_HOME"}}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return left | {"HOME": str(home), "PATH": path}


def lookups(trace):
    """The addresses outside this machine that were connected or written to, with their ports."""
    found = (ADDRESS.search(line) for line in trace.read_text(errors="replace").splitlines())
    return sorted(
        {
            f"{one[2]}:{one[1]}"
            for one in found
            if one
            and not one[2].startswith(("127.", "::1", "::ffff:127.", "0.0.0.0"))
            and one[1] != "0"
        }
    )


def writings(trace, home):
    """The files that were made or opened for writing where nothing of the project's belongs."""
    lines = trace.read_text(errors="replace").splitlines()
    paths = {
        path
        for line in lines
        if MADE.search(line) and not re.search(r"= -1 E", line)
        for path in PATH.findall(line)[-1:]
    }
    return sorted(p for p in paths if p.startswith(f"{home}/") or not f"{p}/".startswith(PLACES))
