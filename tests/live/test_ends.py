"""However an instance is told to end, it ends without a traceback, and soon."""

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import PROJECT, eventually
from tests.live.instance import WEB, Instance, free_port

# From the shell's start to long after everything is ready.
MOMENTS_S = (0.05, 0.2, 0.4, 0.7, 1.0, 1.3, 1.6)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_signal_to_the_master(tmp_path, sent):
    with Instance(tmp_path, WEB_CONCURRENCY="2") as instance:
        assert instance.stop(sent) == 0
        said = instance.log.read_text()

    assert "Traceback" not in said
    assert "Exception ignored" not in said
    assert "was sent SIG" not in said


@pytest.mark.parametrize("moment_s", MOMENTS_S)
def test_a_ctrl_c_at_any_moment(tmp_path, moment_s):
    port, log = free_port(), tmp_path / "log"
    master, terminal = pty.openpty()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", "sh", "-c", f"exec env {WEB}"],
            cwd=PROJECT,
            env=os.environ | {"PORT": str(port), "PATH": path, "WEIR_LOG_FORMAT": "json"},
            stdin=terminal,
            stdout=out,
            stderr=out,
        )
    os.close(terminal)
    time.sleep(moment_s)
    os.write(master, b"\x03")

    # Before the shell has become Python nobody waits for the key: it is pressed again.
    def ended():
        os.write(master, b"\x03")
        return process.poll() is not None

    eventually(ended, within_s=20)
    os.close(master)
    said = log.read_text()

    assert "Traceback" not in said
    assert "Exception ignored" not in said
    assert "SIGABRT" not in said
    assert "KeyboardInterrupt" not in said
