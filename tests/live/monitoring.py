"""Prometheus itself: its tools, and a server that scrapes or takes in, and is asked."""

import os
import shutil
import signal
import subprocess

import pytest
import requests

from tests.live.instance import free_port


def tool(name, package="prometheus"):
    """The path of a tool; without it CI fails and a workstation skips."""
    path = shutil.which(name)
    if path is None and os.environ.get("CI") != "true":
        pytest.skip(f"{name} is not installed (Debian: apt-get install {package})")
    assert path, f"{name} is missing, and CI=true"
    return path


class Prometheus:
    """A server with the configuration *config*, in *folder*; use as a context manager."""

    def __init__(self, folder, config, *options):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        place = folder / f"prometheus-{port}"
        place.mkdir()
        self._log = place / "log"
        (place / "prometheus.yml").write_text(config)
        self._command = [
            tool("prometheus"),
            f"--config.file={place}/prometheus.yml",
            f"--storage.tsdb.path={place}/data",
            f"--web.listen-address=127.0.0.1:{port}",
            *options,
        ]

    def __enter__(self):
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        return self

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(20)

    def results(self, query):
        """What it answers to *query*: labels and values; empty while there is nothing."""
        try:
            answer = requests.get(self.url + "/api/v1/query", params={"query": query}, timeout=10)
        except requests.ConnectionError:
            assert self._process.poll() is None, self._log.read_text()
            return []
        if answer.status_code == 503:  # it still starts
            return []
        assert answer.ok, answer.text
        found = answer.json()["data"]["result"]
        return [(each["metric"], float(each["value"][1])) for each in found]

    def ask(self, query):
        """The first value that it answers to *query*, or None while it has none."""
        results = self.results(query)
        return results[0][1] if results else None


def scraping(*ports, interval="1s", **more):
    """A configuration that scrapes the instances on *ports*."""
    targets = ", ".join(f"'127.0.0.1:{port}'" for port in ports)
    lines = [
        "scrape_configs:",
        "- job_name: weir",
        f"  scrape_interval: {interval}",
        f"  static_configs: [{{targets: [{targets}]}}]",
        *(f"  {name}: {value}" for name, value in more.items()),
    ]
    return "\n".join(lines) + "\n"
