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

# Once it has begun to look at its settings: while it imports, at the fork, when it serves.
MOMENTS_S = (0.0, 0.1, 0.3, 0.6, 0.9, 1.2, 2.0)


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
    log = tmp_path / "log"
    master, terminal = pty.openpty()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["setsid", "--ctty", "sh", "-c", f"exec env {WEB}"],
            cwd=PROJECT,
            env=os.environ | {"PORT": str(free_port()), "PATH": path, "WEIR_LOG_FORMAT": "json"},
            stdin=terminal,
            stdout=out,
            stderr=out,
        )
    os.close(terminal)
    # Python's own first milliseconds are nobody's: from here a key is never lost.
    eventually(lambda: holds_interrupts(process.pid) or process.poll() is not None)
    time.sleep(moment_s)
    os.write(master, b"\x03")

    try:
        process.wait(30)
    finally:
        process.kill()
        os.close(master)

    said = log.read_text()
    assert "Traceback" not in said
    assert "Exception ignored" not in said
    assert "SIGABRT" not in said
    assert "KeyboardInterrupt" not in said


def holds_interrupts(pid):
    """Whether the process keeps SIGINT waiting (proc(5), SigBlk)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return bool(int(status.partition("SigBlk:")[2].split()[0], 16) & 1 << (signal.SIGINT - 1))
