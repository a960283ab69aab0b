"""Programs on a machine that is another one: in namespaces of the kernel's."""

import os
import shlex
import subprocess

import pytest


def inside(kinds, prepare, command):
    """
    The words that run *command* in new namespaces after the shell commands *prepare*.

    *kinds* are unshare(1)'s options, such as "--mount".
    """
    own = kinds.split() if os.getuid() == 0 else ["--map-root-user", *kinds.split()]
    words = ["unshare", *own, "sh", "-c", f"set -e; {prepare}; exec {command}"]
    tried = subprocess.run(
        ["unshare", *own, "sh", "-c", f"set -e; {prepare}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode:
        assert os.environ.get("CI") != "true", tried.stderr
        pytest.skip(f"this user may not: {tried.stderr}")
    return shlex.join(words)
