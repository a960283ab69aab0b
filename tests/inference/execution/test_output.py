import json
import os
import subprocess
import sys

from tests.conftest import PROJECT

PRINTS = """
import os, sys
from service.inference.execution.output import keep_lines_whole
keep_lines_whole("model")
print("one")
os.write(1, "ż\\xff two".encode("latin-1", "replace") + b"\\xff\\n")
print("three " + "x" * 9999, file=sys.stderr)
sys.exit("last")
"""


def test_whatever_a_model_writes_is_one_json_object_a_line():
    done = subprocess.run(
        [sys.executable, "-c", PRINTS], cwd=PROJECT, capture_output=True, timeout=30, check=False
    )

    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert {(event["event"], event["model"], event["level"]) for event in events} == {
        ("model_output", "model", "info")
    }
    lines = [event["line"] for event in events]
    assert lines[0] == "one"
    assert "two" in lines[1]
    assert lines[2].startswith("three x")
    assert len(lines[2]) == 2000
    assert lines[-1] == "last"
    assert done.stderr == b""


FLOODS = """
import os, sys
from service.inference.execution.output import keep_lines_whole
keep_lines_whole("model")
for _ in range(200):
    os.write(1, os.urandom(1 << 16).replace(b"\\n", b"") * 4)
open(sys.argv[1], "w").write(open("/proc/self/status").read())
"""


def test_prints_without_an_end_are_bounded_in_lines_and_in_memory(tmp_path):
    status = tmp_path / "status"
    done = subprocess.run(
        [sys.executable, "-c", FLOODS, status],
        cwd=PROJECT,
        capture_output=True,
        timeout=60,
        check=True,
    )
    lines = done.stdout.splitlines(keepends=True)

    assert {json.loads(line)["event"] for line in lines} <= {"model_output", "log_lines_dropped"}
    assert max(map(len, lines)) <= 4096
    peak_kb = int(status.read_text().partition("VmHWM:")[2].split()[0])
    assert peak_kb < 100_000


def test_a_model_never_waits_for_who_reads_what_it_prints(tmp_path):
    reading, writing = os.pipe()
    script = FLOODS.replace("os.urandom", "bytes")
    command = [sys.executable, "-c", script, tmp_path / "status"]
    model = subprocess.Popen(command, cwd=PROJECT, stdout=writing)

    assert model.wait(30) == 0

    os.close(writing)
    os.close(reading)
