"""Every query of the dashboard and of the rules has an answer of a service under load."""

import json
import math
import re

import pytest
import requests
import yaml

from tests.conftest import CAT, PROJECT, eventually
from tests.live.clients import IRIS
from tests.live.instance import Instance
from tests.live.monitoring import Prometheus, scraping
from tests.live.probes import Beside

DASHBOARD = json.loads((PROJECT / "config/grafana/weir.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = {
    f"{panel['title']} {target['refId']}": target["expr"]
    for panel in PANELS
    for target in panel["targets"]
}
FOLDER = PROJECT / "config/prometheus"
RULES = {
    rule.get("record") or rule["alert"]: rule["expr"]
    for file in ("recording.yml", "alerts.yml")
    for group in yaml.safe_load((FOLDER / file).read_text())["groups"]
    for rule in group["rules"]
}

# A metric's name by how it begins; what follows tells it from a label's.
OURS = "http|model|worker|workers|service|listen|thread|instance|log|trace|metric|observer"
NAME = re.compile(rf"\b((?:{OURS})_\w+)(?=[{{\[ )<>]|$)")


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """A Prometheus that knows the rules and has scraped a service with traffic of all kinds."""
    folder = tmp_path_factory.mktemp("dashboard")
    rules = f"rule_files: ['{FOLDER}/recording.yml', '{FOLDER}/alerts.yml']\n"
    config = f"global: {{evaluation_interval: 1s}}\n{rules}"
    with (
        Instance(folder, WEB_CONCURRENCY="2") as instance,
        Prometheus(folder, config + scraping(instance.port)) as prometheus,
        Traffic(instance),
    ):
        eventually(lambda: prometheus.ask("weir:requests:rate5m"), within_s=60)
        eventually(lambda: prometheus.ask("count_over_time(up[1m]) > 5"), within_s=60)
        yield prometheus, instance


class Traffic(Beside):
    """Requests of each kind, again and again."""

    def once(self):
        picture, kind = CAT.read_bytes(), {"Content-Type": "image/jpeg"}
        for path in ("/?msg=Hello", IRIS, "/nowhere"):
            requests.get(self._url + path, timeout=10)
        predict = self._url + "/models/cat-or-dog/predict"
        requests.post(predict, data=picture, headers=kind, timeout=10)


def filled(query):
    for name, value in (("$job", ".*"), ("$instance", ".*"), ("$__rate_interval", "30s")):
        query = query.replace(name, value)
    return query


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_a_panel_s_query_has_an_answer(asked, query):
    prometheus, _ = asked
    results = eventually(lambda: prometheus.results(filled(query)), within_s=40)

    assert all(value >= 0 or math.isnan(value) for _, value in results)


def test_every_name_in_rules_and_panels_is_exported(asked):
    _, instance = asked
    text = requests.get(instance.url + "/metrics", timeout=20).text
    exported = set(re.findall(r"^([a-z_]+)(?:\{| )", text, re.MULTILINE))

    assert len(RULES) > 30
    for title, query in (QUERIES | RULES).items():
        names = set(NAME.findall(query))
        assert names <= exported, (title, names - exported)


def test_no_alert_fires_of_a_service_that_is_well(asked):
    prometheus, _ = asked

    firing = {
        labels["alertname"] for labels, _ in prometheus.results('ALERTS{alertstate="firing"}')
    }
    assert not firing


def test_every_exported_series_has_a_panel_or_an_alert(asked):
    _, instance = asked
    text = requests.get(instance.url + "/metrics", timeout=20).text
    families = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    shown = " ".join((QUERIES | RULES).values())

    unseen = {name for name in families if name not in shown}
    assert unseen <= {"metric_files"}
