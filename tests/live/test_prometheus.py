"""Prometheus's own tools on the metrics: promtool's linter, and a server that scrapes and asks."""

import os
import shutil
import signal
import subprocess

import pytest
import requests

from tests.conftest import eventually
from tests.live.instance import free_port


def tool(name):
    """The path of a tool; without it CI fails and a workstation skips."""
    path = shutil.which(name)
    if path is None and os.environ.get("CI") != "true":
        pytest.skip(f"{name} is not installed (Debian: apt-get install prometheus)")
    assert path, f"{name} is missing, and CI=true"
    return path


def test_promtool_finds_nothing_to_complain_of(service):
    promtool = tool("promtool")
    requests.post(
        service.url + "/models/cat-or-dog/predict",
        data=b"x",
        timeout=10,
        headers={"Content-Type": "image/png"},
    )
    text = requests.get(service.url + "/metrics", timeout=10).content

    checked = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, check=False, timeout=30
    )

    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


@pytest.fixture
def prometheus(service, tmp_path):
    """A Prometheus that scrapes the service every second."""
    port = free_port()
    (tmp_path / "prometheus.yml").write_text(
        "scrape_configs:\n- job_name: weir\n  scrape_interval: 1s\n"
        f"  static_configs: [{{targets: ['127.0.0.1:{service.port}']}}]\n"
    )
    process = subprocess.Popen(
        [
            tool("prometheus"),
            f"--config.file={tmp_path}/prometheus.yml",
            f"--storage.tsdb.path={tmp_path}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGTERM)
    process.wait(20)


def ask(url, query):
    """The value that Prometheus answers to *query*, or None while it has none."""
    try:
        answer = requests.get(url + "/api/v1/query", params={"query": query}, timeout=10)
    except requests.ConnectionError:
        return None
    results = answer.json()["data"]["result"] if answer.ok else []
    return float(results[0]["value"][1]) if results else None


def test_prometheus_scrapes_the_service_and_tells_its_request_rate(service, prometheus):
    query = 'sum(rate(http_requests_total{route="/",status="200"}[30s]))'

    def rate():
        requests.get(service.url + "/?msg=Hello", timeout=10)
        return ask(prometheus, query)

    assert eventually(rate, within_s=60) > 0
    assert ask(prometheus, 'up{job="weir"}') == 1
    assert ask(prometheus, "service_info") == 1
