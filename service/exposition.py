"""The metrics of all workers together, from the files in which each keeps its own."""

import os
from collections.abc import Callable, Iterable
from functools import partial
from glob import glob
from pathlib import Path
from typing import TypeAlias

from prometheus_client import REGISTRY, CollectorRegistry, Metric, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector
from werkzeug.http import parse_accept_header, parse_options_header

from service.exemplars import attach, of_all
from service.instruments import DURATION_NAME, DURATIONS_S

Encode: TypeAlias = Callable[[CollectorRegistry], bytes]

OPENMETRICS, TEXT = "application/openmetrics-text", "text/plain"
OPENMETRICS_VERSION = "1.0.0"


def encoder_for(accept: str) -> tuple[Encode, str]:
    """
    Choose between OpenMetrics 1.0 and Prometheus's text; what encodes, and its media type.

    OpenMetrics where *accept*, the field `Accept`, prefers it by name: in any case and order, its
    version quoted or not. Text for everybody else, whatever they ask for: a scrape has no use for
    406. (prometheus-client's own chooser fails on a quoted version.)
    """
    qualities = {OPENMETRICS: 0.0, TEXT: 0.0}
    for value, quality in parse_accept_header(accept):
        media_type, options = parse_options_header(value)
        version = options.get("version", OPENMETRICS_VERSION)
        media_type = media_type.lower()
        if media_type in qualities and (media_type == TEXT or version == OPENMETRICS_VERSION):
            qualities[media_type] = max(qualities[media_type], quality)
    if qualities[OPENMETRICS] and qualities[OPENMETRICS] >= qualities[TEXT]:
        encode = partial(
            openmetrics.generate_latest,
            escaping=openmetrics.UNDERSCORES,
            version=OPENMETRICS_VERSION,
        )
        return encode, openmetrics.CONTENT_TYPE_LATEST
    return generate_latest, CONTENT_TYPE_PLAIN_0_0_4


def registry_of_all(usage: Collector | None, instance: str = "") -> CollectorRegistry:
    """
    What a scrape reads: this process's own metrics where there is no folder of files.

    *usage* collects what the instance takes of the machine; every series bears the label *instance*
    where it has a name.
    """
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
    if not os.path.isdir(folder):  # noqa: PTH112  # somebody may have removed it
        return REGISTRY
    registry = CollectorRegistry()
    collectors = [WorkersCollector(None, folder)]  # type: ignore[no-untyped-call]
    for collector in [*collectors, usage] if usage else collectors:
        registry.register(_Named(collector, instance) if instance else collector)
    return registry


class _Named(Collector):
    """What *collector* collects, with the label that says of which instance."""

    def __init__(self, collector: Collector, instance: str) -> None:
        self._collector = collector
        self._instance = instance

    def collect(self) -> Iterable[Metric]:
        for metric in self._collector.collect():
            metric.samples = [
                sample._replace(labels={**sample.labels, "instance": self._instance})
                for sample in metric.samples
            ]
            yield metric


class WorkersCollector(MultiProcessCollector):
    """All workers' files; one that cannot be read costs its own figures."""

    def collect(self) -> Iterable[Metric]:
        """Read the files, once more each for itself if they cannot be read together."""
        files = glob(os.path.join(self._path, "*.db"))  # noqa: PTH118, PTH207  # as it wants them
        try:
            metrics = self._merged(files)
        except Exception:  # noqa: BLE001  # whatever may be in a file
            metrics = self._merged([file for file in files if self._is_readable(file)])
        for metric in metrics:
            if metric.name == DURATION_NAME:
                attach(metric, DURATIONS_S, of_all(Path(self._path)))
        return metrics

    def _merged(self, files: list[str]) -> list[Metric]:
        return list(self.merge(files, accumulate=True))  # type: ignore[no-untyped-call]

    def _is_readable(self, file: str) -> bool:
        try:
            self._merged([file])
        except Exception:  # noqa: BLE001  # as above
            return False
        return True
