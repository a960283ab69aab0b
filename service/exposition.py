"""The metrics of all workers together, from the files in which each keeps its own."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from prometheus_client import REGISTRY, Metric, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector
from werkzeug.http import parse_accept_header, parse_options_header

from service.exemplars import of_all
from service.sheet import Encode, Sheet, registry_of
from service.worker_files import Series, WorkerFiles

OPENMETRICS, TEXT = "application/openmetrics-text", "text/plain"
OPENMETRICS_VERSION = "1.0.0"
ENCODERS: dict[str, Encode] = {
    OPENMETRICS: partial(
        openmetrics.generate_latest, escaping=openmetrics.UNDERSCORES, version=OPENMETRICS_VERSION
    ),
    TEXT: generate_latest,
}
CONTENT_TYPES = {
    OPENMETRICS: openmetrics.CONTENT_TYPE_LATEST,
    TEXT: CONTENT_TYPE_PLAIN_0_0_4,
}

# OpenMetrics ends with it, and only there.
END = b"# EOF\n"


def media_type_for(accept: str) -> str:
    """
    Choose between OpenMetrics 1.0 and Prometheus's text.

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
        return OPENMETRICS
    return TEXT


class Exposition:
    """
    What a scrape is answered: all workers' figures, and with *usage* what they take of the machine.

    Without a *folder* of files it is this process's own.
    """

    def __init__(
        self, folder: Path | None = None, usage: Collector | None = None, instance: str = ""
    ) -> None:
        """Every series bears the label *instance* where it has a name."""
        self._folder = folder
        self._files = WorkerFiles(folder) if folder else None
        self._usage = usage
        self._more = {"instance": instance} if instance else {}
        self._sheets: dict[str, tuple[frozenset[Series], Sheet]] = {}

    def text(self, media_type: str) -> bytes:
        """Read it all, and write it as *media_type* wants it."""
        encode = ENCODERS[media_type]
        if self._files is None or self._folder is None or not self._folder.is_dir():
            return encode(REGISTRY)
        sheet = self._sheet(self._files, media_type)
        exemplars = of_all(self._folder) if media_type == OPENMETRICS else {}
        workers = sheet.filled(self._files.totals(), exemplars)
        if self._usage is None:
            return workers
        return workers.removesuffix(END) + encode(registry_of(self._named(self._usage.collect())))

    def _sheet(self, files: WorkerFiles, media_type: str) -> Sheet:
        series = files.look()
        known, sheet = self._sheets.get(media_type, (None, None))
        if sheet is None or series != known:
            merged = MultiProcessCollector.merge(files.readable())  # type: ignore[no-untyped-call]
            sheet = Sheet(merged, ENCODERS[media_type], self._more)
            self._sheets[media_type] = series, sheet
        return sheet

    def _named(self, metrics: Iterable[Metric]) -> Iterator[Metric]:
        for metric in metrics:
            metric.samples = [
                sample._replace(labels=sample.labels | self._more) for sample in metric.samples
            ]
            yield metric
