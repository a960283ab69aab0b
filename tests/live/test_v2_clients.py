"""Clients of the Open Inference Protocol, each in its own environment, against real workers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients import models
from tests.conftest import CAT, PROJECT
from tests.live.instance import Instance

TOKEN = "opensesame"
PROGRAMS = {
    "triton_http": "tritonclient",
    "triton_aio": "tritonclient",
    "kserve_rest": "kserve",
    "mlserver_types": "mlserver",
}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clients")
    repository = models.write(folder / "models")
    variables = {"WEIR_MODELS": str(repository), "WEIR_ADMIN_TOKEN": TOKEN}
    with Instance(folder, WEB_CONCURRENCY="2", **variables) as instance:
        yield instance


def python_of(client):
    """The interpreter of a client's environment; without one a skip, and in CI a failure."""
    folder = os.environ.get("CLIENTS", str(Path(sys.prefix) / "clients"))
    python = Path(folder, client, "bin/python")
    if not python.exists() and os.environ.get("CI") != "true":
        pytest.skip(f"{client} has no environment; type: make install-clients")
    return python


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_client_makes_all_of_its_calls(served, program):
    python = python_of(PROGRAMS[program])
    ran = subprocess.run(
        [python, PROJECT / f"tests/clients/{program}.py", f"127.0.0.1:{served.port}", TOKEN, CAT],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    calls = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith('{"call"')]

    assert calls, ran.stderr
    assert [call for call in calls if call["outcome"] != "ok"] == [], ran.stderr
    assert ran.returncode == 0, ran.stderr
    assert not served.lines(level="error")
