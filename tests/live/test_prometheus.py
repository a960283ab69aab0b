"""Prometheus's own tools on the metrics: promtool's linter, and a server that scrapes and asks."""

import subprocess

import requests

from tests.conftest import eventually
from tests.live.monitoring import Prometheus, scraping, tool


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


def test_prometheus_scrapes_the_service_and_tells_its_request_rate(service, tmp_path):
    query = 'sum(rate(http_requests_total{route="/",status="200"}[30s]))'

    with Prometheus(tmp_path, scraping(service.port)) as prometheus:

        def rate():
            requests.get(service.url + "/?msg=Hello", timeout=10)
            return prometheus.ask(query)

        assert eventually(rate, within_s=60) > 0
        assert prometheus.ask('up{job="weir"}') == 1
        assert prometheus.ask("service_info") == 1


def test_prometheus_takes_the_exemplars_of_all_workers(service, tmp_path):
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    fields = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
    options = ["--enable-feature=exemplar-storage"]

    with Prometheus(tmp_path, scraping(service.port), *options) as prometheus:

        def exemplars():
            requests.get(service.url + "/nowhere", headers=fields, timeout=10)
            if prometheus.ask("up") is None:
                return None
            answer = requests.get(
                prometheus.url + "/api/v1/query_exemplars",
                params={
                    "query": 'http_request_duration_seconds_bucket{route="<unmatched>"}',
                    "start": "0",
                    "end": "9999999999",
                },
                timeout=10,
            ).json()
            return [one for series in answer["data"] for one in series["exemplars"]]

        found = eventually(exemplars, within_s=60)
        assert trace_id in {one["labels"]["trace_id"] for one in found}
        assert all(0 < float(one["value"]) < 10 for one in found)
