"""`make audit`: a bill of materials, and a verdict that needs an answer about every package."""

import json
import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.licences import PINS
from tests.live.instance import free_port


def pinned(*files):
    found = [re.findall(r"^([a-z0-9.-]+)==(\S+)", file.read_text(), re.MULTILINE) for file in files]
    return {pin for pins in found for pin in pins}


class Advisories(BaseHTTPRequestHandler):
    """What OSV answers: nothing, but for a package that an advisory names."""

    named = ""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = asked["package"]["name"]
        self.server.asked.add((name, asked["version"]))
        affected = {
            "package": {"name": name, "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99"}]}],
        }
        told = {"vulns": [{"id": "PYSEC-2026-1", "summary": "bad", "affected": [affected]}]}
        body = json.dumps(told if name == self.server.named else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing is told of requests."""


@contextmanager
def advisories(named=""):
    with ThreadingHTTPServer(("127.0.0.1", 0), Advisories) as server:
        server.named, server.asked = named, set()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def audit(tmp_path):
    """Run it, with the advisories of *port*."""
    environment = Path(sys.prefix)
    if not (environment / "serve").exists():
        assert os.environ.get("CI") != "true"
        pytest.skip("this Python is not that of make's environment")

    def run(port):
        given = [f"VENV={environment}", f"SBOM={tmp_path}/sbom.json"]
        url = f"ARGS=--osv-url=http://127.0.0.1:{port}/v1/query"
        return subprocess.run(
            ["make", "audit", *given, url],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return run


def test_every_pin_is_asked_for_and_stands_in_the_bill(audit, tmp_path):
    with advisories() as server:
        done = audit(server.server_port)
    told = json.loads((tmp_path / "sbom.json").read_text())

    assert done.returncode == 0, done.stdout + done.stderr
    assert "No known vulnerabilities found" in done.stderr
    asked_for_here = {name for name, _ in server.asked}
    assert asked_for_here >= {"flask", "onnxruntime", "scikit-learn", "opentelemetry-sdk", "keras"}
    assert server.asked <= pinned(*PINS)
    assert told["bomFormat"] == "CycloneDX"
    assert told["metadata"]["component"]["name"] == "weir"
    components = {(each["name"], each["version"]) for each in told["components"]}
    assert components == pinned(PROJECT / "requirements.txt")
    assert all(each["purl"].startswith("pkg:pypi/") for each in told["components"])


def test_a_package_that_an_advisory_names_does_not_pass(audit):
    with advisories(named="werkzeug") as server:
        done = audit(server.server_port)

    assert done.returncode != 0
    assert re.search(r"^werkzeug +\S+ +PYSEC-2026-1 +99$", done.stdout, re.MULTILINE)
    assert "Not passed: an advisory names a package" in done.stdout


def test_advisories_that_cannot_be_asked_for_do_not_pass(audit):
    done = audit(free_port())

    assert done.returncode != 0
    assert "No known vulnerabilities" not in done.stderr
    assert "who has them could not be asked" in done.stdout
