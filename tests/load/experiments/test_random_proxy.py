"""The router of the experiment: whole answers, from every instance, at random."""

import subprocess
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from tests.conftest import PROJECT


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Worker", str(self.server.server_port))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def instances():
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), Echo) for _ in range(2)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield [server.server_port for server in servers]
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def proxy(instances):
    command = [sys.executable, "-m", "load.experiments.random_proxy", *map(str, instances)]
    with subprocess.Popen(
        command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.kill()


def test_each_request_goes_to_one_of_the_instances_at_random(proxy, instances):
    with requests.Session() as session:
        answers = [session.post(proxy, data=b"x" * size) for size in range(200)]
    assert [len(answer.content) for answer in answers] == list(range(200))
    counted = Counter(int(answer.headers["X-Worker"]) for answer in answers)
    assert set(counted) == set(instances)
    assert min(counted.values()) > 60  # of 200: less has a chance of one in 10⁸
