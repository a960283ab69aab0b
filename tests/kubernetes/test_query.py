"""KEDA's query, asked of a real Prometheus: one element, and none where there is nothing."""

from tests.conftest import eventually
from tests.kubernetes.pods import find, of_kind
from tests.kubernetes.rendering import overlay
from tests.live.instance import Instance, free_port
from tests.live.monitoring import Prometheus, scraping


def test_it_returns_one_element_over_all_pods_and_none_without_them(tmp_path):
    scaled = of_kind(overlay("keda"), "ScaledObject")
    query = find(scaled, "spec.triggers.0.metadata.query")
    admin = free_port()
    with Instance(tmp_path, WEIR_ADMIN_PORT=str(admin)) as instance:
        # As the operator writes it for a PodMonitor: two pods, in the overlay's namespace.
        relabel = "[{target_label: namespace, replacement: weir}]"
        config = scraping(instance.port, admin, relabel_configs=relabel)
        with Prometheus(tmp_path, config) as prometheus:
            eventually(lambda: len(prometheus.results("http_requests_in_flight")) == 2)
            ((labels, in_flight),) = prometheus.results(query)

            assert labels == {}
            assert in_flight >= 0
            assert prometheus.results(query.replace("weir", "other")) == []
