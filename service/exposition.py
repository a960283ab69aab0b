"""The metrics of all workers together, from the files in which each keeps its own."""

import os
from collections.abc import Iterable
from glob import glob

from prometheus_client import REGISTRY, CollectorRegistry, Metric
from prometheus_client.multiprocess import MultiProcessCollector


def registry_of_all() -> CollectorRegistry:
    """What a scrape reads: this process's own metrics where there is no folder of files."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
    if not os.path.isdir(folder):  # noqa: PTH112  # somebody may have removed it
        return REGISTRY
    registry = CollectorRegistry()
    registry.register(WorkersCollector(None, folder))  # type: ignore[no-untyped-call]
    return registry


class WorkersCollector(MultiProcessCollector):
    """All workers' files; one that cannot be read costs its own figures."""

    def collect(self) -> Iterable[Metric]:
        """Read the files, once more each for itself if they cannot be read together."""
        files = glob(os.path.join(self._path, "*.db"))  # noqa: PTH118, PTH207  # as it wants them
        try:
            return self._merged(files)
        except Exception:  # noqa: BLE001  # whatever may be in a file
            return self._merged([file for file in files if self._is_readable(file)])

    def _merged(self, files: list[str]) -> list[Metric]:
        return list(self.merge(files, accumulate=True))  # type: ignore[no-untyped-call]

    def _is_readable(self, file: str) -> bool:
        try:
            self._merged([file])
        except Exception:  # noqa: BLE001  # as above
            return False
        return True
