"""/openapi.json by programs that read such documents, against a real instance."""

import json
import os
import re
import subprocess
from functools import partial

import pytest
import requests

from tests.clients import models
from tests.conftest import CAT, PROJECT
from tests.live.instance import Instance
from tests.live.test_v2_clients import python_of
from tests.openapi import repository

# By hand: OPENAPI_SEED=7 OPENAPI_EXAMPLES=100, for other cases and more of them.
SEED = os.environ.get("OPENAPI_SEED", "1")
EXAMPLES = os.environ.get("OPENAPI_EXAMPLES", "5" if os.environ.get("WHOLE") else "3")
LIMIT_S = 60 * int(EXAMPLES)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("openapi")
    repository.write(models.write(folder / "models"))
    with Instance(folder, WEIR_MODELS=str(folder / "models")) as instance:
        yield instance


@pytest.fixture(scope="module")
def document(served, tmp_path_factory):
    """The document as a file."""
    answer = requests.get(f"{served.url}/openapi.json", timeout=30)
    assert answer.status_code == 200, answer.text
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    path.write_bytes(answer.content)
    return path


@pytest.fixture
def ran(tmp_path):
    """Run one of the environment's programs, in a folder that takes what it leaves."""
    return partial(_ran, tmp_path)


def _ran(folder, program, *arguments, **variables):
    path = python_of("openapi").with_name(program)
    return subprocess.run(
        [path, *arguments],
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=LIMIT_S,
        check=False,
    )


def test_the_document_is_valid(ran, document):
    told = ran("openapi-spec-validator", "--validation-errors", "all", document)

    assert told.returncode == 0, told.stdout + told.stderr


def test_generated_requests_get_no_answer_that_is_not_described(ran, served):
    """What is checked, and what cannot be of some operations, stands in schemathesis.toml."""
    told = ran(
        "schemathesis",
        f"--config-file={PROJECT / 'tests/clients/schemathesis.toml'}",
        "run",
        f"{served.url}/openapi.json",
        f"--seed={SEED}",
        f"--max-examples={EXAMPLES}",
        "--continue-on-failure",
        "--generation-database=none",
        "--no-color",
        PYTHONPATH=str(PROJECT / "tests/clients"),
        SCHEMATHESIS_HOOKS="openapi_hooks",
    )
    cases = re.search(r"(\d+) generated", told.stdout)

    assert told.returncode == 0, told.stdout[-20_000:] + told.stderr
    assert int(cases[1]) >= 1000
    assert not served.lines(level="error")


def test_a_generated_client_calls_a_model_of_each_kind(ran, served, document, tmp_path):
    made = ran(
        "openapi-python-client",
        "generate",
        f"--path={document}",
        f"--output-path={tmp_path / 'weir_client'}",
        "--meta=none",
    )
    assert made.returncode == 0, made.stdout + made.stderr
    program = PROJECT / "tests/clients/openapi_client.py"

    told = ran("python", program, str(tmp_path), served.url, CAT)

    calls = [json.loads(line) for line in told.stdout.splitlines() if line.startswith('{"call"')]
    assert calls, told.stderr
    assert [call for call in calls if call["outcome"] != "ok"] == [], told.stderr
    assert told.returncode == 0, told.stderr
