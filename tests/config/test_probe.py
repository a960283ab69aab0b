"""The health check of a container, which needs no curl."""

import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.conftest import PROJECT
from tests.live.instance import free_port


class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        status = {"/healthz": 200, "/readyz": 503}.get(self.path, 404)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(b"loading iris" if status == 503 else b"")

    def log_message(self, *_):
        """Nothing is told of requests."""


@contextmanager
def serving():
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield str(server.server_port)
        finally:
            server.shutdown()
            thread.join()


def probe(*path, **variables):
    return subprocess.run(
        [sys.executable, "-m", "config.probe", *path],
        cwd=PROJECT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )


@pytest.mark.parametrize("name", ["PORT", "WEIR_ADMIN_PORT"])
def test_a_service_that_lives_is_healthy_though_not_ready(name):
    with serving() as port:
        variables = {"PORT": str(free_port())} | {name: port}

        assert (probe(**variables).returncode, probe(**variables).stderr) == (0, "")


def test_another_path_is_asked_by_its_name():
    with serving() as port:
        said = probe("/readyz", PORT=port, WEIR_HOST="127.0.0.1")

    assert said.returncode == 1
    assert said.stderr == f"weir: 127.0.0.1:{port}/readyz answers 503: loading iris\n"


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"PORT": "1"}, "Connection refused"),
        ({"PORT": "http"}, "127.0.0.1:http/healthz does not answer: invalid literal"),
        ({"PORT": "8000", "WEIR_HOST": "no such host"}, "does not answer"),
    ],
)
def test_what_cannot_be_asked_is_unhealthy_in_a_sentence(variables, words):
    said = probe(**variables)

    assert said.returncode == 1
    assert words in said.stderr
    assert len(said.stderr.splitlines()) == 1
