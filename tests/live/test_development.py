"""`flask --app service.wsgi run --debug`: the development server, as the tutorial's was."""

import os
import subprocess
import sys

import requests

from tests.conftest import CAT, PROJECT, eventually
from tests.live.instance import free_port


def test_the_development_server_echoes_and_classifies(tmp_path):
    port = free_port()
    command = [sys.executable, "-m", "flask", "--app", "service.wsgi", "run", "--debug"]
    log = tmp_path / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            cwd=PROJECT, env=os.environ | {"WEIR_LOG_FORMAT": "json"},
            stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}"

    def is_ready():
        assert process.poll() is None, log.read_text()
        try:
            return requests.get(url + "/readyz", timeout=5).ok
        except requests.ConnectionError:
            return False

    try:
        eventually(is_ready)
        echoed = requests.post(url, json={"msg": "Hello"}, timeout=10)
        classified = requests.post(
            url + "/models/cat-or-dog/predict",
            data=CAT.read_bytes(),
            headers={"Content-Type": "image/jpeg"},
            timeout=10,
        )
        counted = requests.get(url + "/metrics", timeout=10)
    finally:
        os.killpg(process.pid, 15)
        process.wait(20)

    assert echoed.json() == {"response": "Hello", "success": True}
    assert classified.json()["response"]["label"] == "cat"
    assert 'http_requests_total{method="POST",route="/",status="200"} 1.0' in counted.text
    assert '"event":"http_request"' in log.read_text()
