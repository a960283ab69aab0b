"""
A scrape's text, of which only the numbers change.

prometheus-client writes it when there is a series that there was not; until then the numbers are
put between what it has written: the same text at a tenth of the cost, which counts where a scrape
competes with a full machine.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

from service.exemplars import Kept
from service.instruments import DURATION_NAME, DURATIONS_S
from service.worker_files import Series, series_of

Encode: TypeAlias = Callable[[CollectorRegistry], bytes]


class Number(NamedTuple):
    """
    One of the text: its own *series*, added to the number before it if it *continues* that.

    Buckets do, which are counted each for itself and told with all below; so does their count,
    which has no series.
    """

    series: Series | None
    continues: bool


class Sheet:
    """The text of *metrics*, merged and accumulated, as *encode* writes them."""

    def __init__(self, metrics: Iterable[Metric], encode: Encode, more: dict[str, str]) -> None:
        """Every series bears the labels *more* besides."""
        self._more = more
        numbers: list[Number] = []
        self._bucket_at: dict[tuple[str, str, int], int] = {}
        numbered = [self._numbered(metric, numbers) for metric in metrics]
        self._numbers = numbers
        self._between = _between(encode(registry_of(numbered)).decode())

    def filled(self, totals: Mapping[Series, float], exemplars: Kept) -> bytes:
        """The text with the numbers of *totals*, and the *exemplars* behind their buckets."""
        text, number = [self._between[0]], 0.0
        behind = {
            at: f' # {{trace_id="{slowest.trace_id}"}} {slowest.seconds!r} {slowest.at_s!r}'
            for bucket, slowest in exemplars.items()
            if (at := self._bucket_at.get(bucket)) is not None
        }
        for at, (series, continues) in enumerate(self._numbers):
            own = 0.0 if series is None else totals.get(series, 0.0)
            number = number + own if continues else own
            text.append(floatToGoString(number))  # type: ignore[no-untyped-call]
            if at in behind:
                text.append(behind[at])
            text.append(self._between[at + 1])
        return "".join(text).encode()

    def _numbered(self, metric: Metric, numbers: list[Number]) -> Metric:
        """*metric* with the place of each of its numbers for its value."""
        places, before = Metric(metric.name, metric.documentation, metric.type), None
        for sample in metric.samples:
            if metric.name == DURATION_NAME and sample.name.endswith("_bucket"):
                labels = sample.labels
                bucket = bisect_left(DURATIONS_S, float(labels["le"]))
                self._bucket_at[labels["method"], labels["route"], bucket] = len(numbers)
            told = sample.labels | self._more
            places.samples.append(sample._replace(labels=told, value=float(len(numbers))))
            numbers.append(_number(metric, sample, before))
            before = sample
        return places


def _number(metric: Metric, sample: Sample, before: Sample | None) -> Number:
    if metric.type != "histogram" or sample.name == f"{metric.name}_sum":
        return Number(series_of(sample.name, sample.labels), continues=False)
    if sample.name == f"{metric.name}_count":
        return Number(None, continues=True)
    continues = before is not None and _without_le(before) == _without_le(sample)
    return Number(series_of(sample.name, sample.labels), continues)


def _without_le(sample: Sample) -> tuple[str, dict[str, str]]:
    return sample.name, {name: value for name, value in sample.labels.items() if name != "le"}


def _between(text: str) -> list[str]:
    """What stands before, between and after the numbers, which end each line but for comments."""
    between = [""]
    for line in text.removesuffix("\n").split("\n"):  # labels may hold what else ends a line
        if line.startswith("#"):
            between[-1] += f"{line}\n"
        else:
            before, _, _place = line.rpartition(" ")
            between[-1] += f"{before} "
            between.append("\n")
    return between


def registry_of(metrics: Iterable[Metric]) -> CollectorRegistry:
    """What an encoder of prometheus-client takes."""
    registry = CollectorRegistry()
    registry.register(_Made(metrics))
    return registry


class _Made(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics
