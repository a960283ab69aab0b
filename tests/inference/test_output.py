import json
import subprocess
import sys

from tests.conftest import PROJECT

PRINTS = """
import os, sys
from service.inference.output import keep_lines_whole
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
