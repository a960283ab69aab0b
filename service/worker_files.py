"""
The metric files of all workers: a scrape reads their numbers where it knows them to stand.

prometheus-client takes every file apart at each scrape, which is half of its time. Here that is
done when a file has more series; what a key says does not change.
"""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from struct import unpack_from
from typing import TypeAlias

import orjson
from prometheus_client.mmap_dict import MmapedDict

from config.metric_files import DOUBLE_BYTES

# Gauges of which the largest is told; of all others, of counters and of histograms it is the sum.
OF_LARGEST = "gauge_livemax"


# A number's name and its labels.
Series: TypeAlias = tuple[str, frozenset[tuple[str, str]]]


def series_of(name: str, labels: Mapping[str, str]) -> Series:
    """What tells a number from all others."""
    return name, frozenset(labels.items())


class WorkerFile:
    """One file, and at which place each of its series has its number."""

    def __init__(self, path: Path, identity: int) -> None:
        """Raises what there is to raise where it cannot be read."""
        self.path, self.identity = path, identity
        self.used_bytes = 0
        self.places: list[tuple[int, Series]] = []
        self.look()

    def look(self) -> None:
        """Read it, and what its keys say if there are more."""
        content = self.path.read_bytes()
        used_bytes: int = unpack_from("i", content, 0)[0]
        if used_bytes != self.used_bytes:
            self.places = [
                (place // DOUBLE_BYTES, _series(key))
                for key, _, _, place in MmapedDict.read_all_values_from_file(str(self.path))  # type: ignore[no-untyped-call]
            ]
            self.used_bytes = used_bytes
            content = self.path.read_bytes()  # it may have grown meanwhile
        whole = len(content) // DOUBLE_BYTES * DOUBLE_BYTES
        self.numbers = memoryview(content[:whole]).cast("d")


class WorkerFiles:
    """Those in *folder*; one that cannot be read costs its own figures."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[Path, WorkerFile] = {}
        self._state: list[tuple[Path, int, int]] = []
        self._series: frozenset[Series] = frozenset()

    def look(self) -> frozenset[Series]:
        """Look what files there are now, and which series they have, all together."""
        known, self._files = self._files, {}
        for path, identity in sorted(self._found()):
            with suppress(Exception):  # whatever may be in a file
                file = known.get(path)
                if file is None or file.identity != identity:
                    file = WorkerFile(path, identity)
                else:
                    file.look()
                self._files[path] = file
        state = [(file.path, file.identity, file.used_bytes) for file in self._files.values()]
        if state != self._state:
            self._state = state
            self._series = frozenset(
                series for file in self._files.values() for _, series in file.places
            )
        return self._series

    def readable(self) -> list[str]:
        """Their paths."""
        return [str(path) for path in self._files]

    def totals(self) -> dict[Series, float]:
        """Every series over all workers."""
        totals: dict[Series, float] = defaultdict(float)
        for file in self._files.values():
            numbers = file.numbers
            if file.path.name.startswith(OF_LARGEST):
                for place, series in file.places:
                    totals[series] = max(totals.get(series, numbers[place]), numbers[place])
            else:
                for place, series in file.places:
                    totals[series] += numbers[place]
        return totals

    def _found(self) -> Iterator[tuple[Path, int]]:
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.endswith(".db"):
                    yield Path(entry.path), entry.inode()


@lru_cache(maxsize=4096)
def _series(key: str) -> Series:
    """What a key says; all workers' files share it, so that to find it costs little."""
    _metric, name, labels, _text = orjson.loads(key)
    return series_of(name, labels)
