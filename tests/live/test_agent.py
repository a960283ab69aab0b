"""Two dynos behind a router: a central Prometheus has all of both, by their agents."""

import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from tests.conftest import eventually
from tests.live.instance import WEB, Instance, free_port
from tests.live.monitoring import Prometheus, tool

WITH_AGENT = f"python -m config.agent {WEB}"
TOKEN = "0123456789abcdef"

ROUTER = """
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend router
  bind 127.0.0.1:{port}
  default_backend dynos
backend dynos
  balance roundrobin
  option http-server-close
  server web1 127.0.0.1:{first}
  server web2 127.0.0.1:{second}
"""


@pytest.fixture(scope="module")
def dynos(tmp_path_factory):
    """A central Prometheus, two instances with agents, and the router's address."""
    folder = tmp_path_factory.mktemp("dynos")
    haproxy = tool("haproxy", "haproxy")
    with ExitStack() as stack:
        options = ["--web.enable-remote-write-receiver"]
        central = stack.enter_context(Prometheus(folder, "scrape_configs: []\n", *options))
        variables = {
            "REMOTE_WRITE_URL": f"{central.url}/api/v1/write",
            "SCRAPE_INTERVAL": "1s",
            "WEIR_METRICS_TOKEN": TOKEN,
            "HEROKU_APP_NAME": "cats",
            "HEROKU_RELEASE_VERSION": "v7",
            "WEB_CONCURRENCY": "2",
        }
        instances = [
            stack.enter_context(Instance(folder, command=WITH_AGENT, DYNO=dyno, **variables))
            for dyno in ("web.1", "web.2")
        ]
        port = free_port()
        config = folder / "haproxy.cfg"
        ports = {"first": instances[0].port, "second": instances[1].port}
        config.write_text(ROUTER.format(port=port, **ports))
        router = subprocess.Popen([haproxy, "-f", str(config)], stderr=subprocess.DEVNULL)
        stack.callback(router.wait, 20)
        stack.callback(router.kill)
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: answers(url))
        yield central, instances, url


def answers(url):
    try:
        return requests.get(url + "/healthz", timeout=5).ok
    except requests.ConnectionError:
        return False


def echoes(central):
    """The echoes that the central Prometheus knows of, by dyno."""
    query = 'sum by (dyno, app, release, instance) (http_requests_total{route="/"})'
    found = central.results(query)
    assert all(
        labels.items() >= {"app": "cats", "release": "v7", "instance": labels["dyno"]}.items()
        for labels, _ in found
    )
    return {labels["dyno"]: value for labels, value in found}


def test_both_are_seen_whole_by_one_central_prometheus(dynos):
    central, instances, url = dynos

    for _ in range(101):
        assert requests.get(url, timeout=10).ok

    def seen():
        counts = echoes(central)
        return counts if sum(counts.values()) >= 101 else None

    counts = eventually(seen, within_s=60)
    assert sum(counts.values()) == 101
    own = {
        f"web.{number}": len(instance.lines(event="http_request", route="/"))
        for number, instance in enumerate(instances, 1)
    }
    assert counts == own
    assert sorted(counts.values()) == [50, 51]
    up = central.results('up{job="weir"}')
    assert {labels["dyno"] for labels, value in up if value == 1} == {"web.1", "web.2"}


def test_a_public_scrape_wants_the_token_and_says_whose_figures_it_has(dynos):
    _, _, url = dynos
    assert requests.get(url + "/metrics", timeout=10).status_code == 401

    fields = {"Authorization": f"Bearer {TOKEN}"}
    texts = [requests.get(url + "/metrics", headers=fields, timeout=10).text for _ in range(4)]
    seen = set()
    for text in texts:
        series = [line for line in text.splitlines() if line and not line.startswith("#")]
        (dyno,) = {d for d in ("web.1", "web.2") if f'instance="{d}"' in text}
        assert all(f'instance="{dyno}"' in line for line in series)
        seen.add(dyno)
    assert seen == {"web.1", "web.2"}


def test_an_agent_that_is_killed_comes_back_and_harms_nobody(dynos):
    central, instances, _ = dynos
    (agent,) = agents_of(instances[0])
    subprocess.run(["kill", "-9", str(agent)], check=True)
    eventually(lambda: agents_of(instances[0]) not in ([], [agent]))

    before = echoes(central)["web.1"]
    assert requests.get(instances[0].url, timeout=10).ok
    eventually(lambda: echoes(central)["web.1"] > before, within_s=60)


def agents_of(instance):
    """The agents that send the figures of *instance*, by their configuration's target."""
    listed = subprocess.run(
        ["pgrep", "-f", "storage.agent.path"], capture_output=True, text=True, check=False
    ).stdout.split()
    return [int(pid) for pid in listed if parent_of(parent_of(pid)) == str(instance.process.pid)]


def parent_of(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]


def test_without_an_address_the_command_runs_alone(tmp_path):
    with Instance(tmp_path, command=WITH_AGENT) as instance:
        assert requests.get(instance.url, timeout=10).ok
        assert not agents_of(instance)


def test_the_agent_ends_with_the_service(tmp_path):
    address = {"REMOTE_WRITE_URL": "http://127.0.0.1:1/api/v1/write"}
    with Instance(tmp_path, command=WITH_AGENT, **address) as instance:
        (agent,) = eventually(lambda: agents_of(instance))
        instance.process.kill()
        instance.process.wait()

    eventually(lambda: not is_there(agent))


def is_there(pid):
    try:
        return parent_of(pid) != ""
    except FileNotFoundError:
        return False
