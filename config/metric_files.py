"""
The files in which each worker keeps its metrics, so that a full disk costs figures, not workers.

prometheus-client maps files that it has only truncated to their size: on a full file system the
first write to a page that does not exist is a SIGBUS, and the end of the process.
"""

import logging
import mmap
import os
import tempfile
from _thread import RLock  # the native one, also where gevent replaces threading's
from contextlib import suppress
from pathlib import Path
from struct import error as struct_error
from struct import pack
from typing import Any

from prometheus_client.mmap_dict import MmapedDict, mmap_key

# 64 KB hold the series of a worker with a few models; it doubles as they become more.
FIRST_BYTES = 1 << 16

# What the file begins with: how much of it is used, these eight bytes included.
HEADER = pack("ii", 8, 0)

DOUBLE_BYTES = 8

log = logging.getLogger(__name__)


class MetricFile(MmapedDict):
    """
    prometheus-client's file of values, with every page allocated before it is mapped.

    Where that fails, the worker's figures are kept in its memory, and missing from a scrape. A file
    appears under its name when it is whole: a scrape may come at any time.
    """

    def __init__(self, filename: str, read_mode: bool = False) -> None:  # noqa: FBT001, FBT002  # its own
        try:
            _make(Path(filename))
            super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]
        except (OSError, ValueError, RuntimeError, struct_error) as error:
            self._f: Any = None
            self._fname = filename
            self._positions: dict[str, int] = {}
            self._used = len(HEADER)
            self._leave_file(FIRST_BYTES, HEADER, error)

    def place_of(self, key: str) -> "memoryview[float]":
        """Where the number of the series *key* stands; what is written to it is in the file."""
        self.read_value(key)  # type: ignore[no-untyped-call]  # adds it where it is not there
        at = self._positions[key]
        return memoryview(self._m)[at : at + DOUBLE_BYTES].cast("d")

    def _init_value(self, key: str) -> None:
        """Add a series, in a file that has room for it."""
        while self._used + len(key.encode()) + 32 > self._capacity:
            self._grow(2 * self._capacity)
        super()._init_value(key)  # type: ignore[no-untyped-call]

    def _grow(self, size_bytes: int) -> None:
        if self._f is None:
            self._leave_file(size_bytes, self._m[:])
            return
        try:
            _allocate(self._f.fileno(), self._capacity, size_bytes)
            self._m, self._capacity = mmap.mmap(self._f.fileno(), size_bytes), size_bytes
        except OSError as error:
            self._leave_file(size_bytes, self._m[:], error)

    def _leave_file(self, size_bytes: int, content: bytes, error: Exception | None = None) -> None:
        """Go on in memory; figures that stand still would be worse than none."""
        self._m, self._capacity = mmap.mmap(-1, size_bytes), size_bytes
        self._m[: len(content)] = content
        if self._f is not None:
            self._f.close()
            self._f = None
        if error is not None:
            with suppress(OSError):
                Path(self._fname).unlink()
            log.error("metrics of this worker are missing from scrapes: %s", error)

    def close(self) -> None:
        """Close the file where there is one; what is mapped of it goes with its last place."""
        if self._f is not None:
            self._f.close()


class Files:
    """A worker's, by the kind of metric, in the folder PROMETHEUS_MULTIPROC_DIR."""

    def __init__(self, worker: int) -> None:
        self._worker = worker
        self._folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
        self._files: dict[str, MetricFile] = {}

    def place_of(self, kind: str, key: str) -> "memoryview[float]":
        """Where the number of a series stands."""
        if kind not in self._files:
            self._files[kind] = MetricFile(str(self._folder / f"{kind}_{self._worker}.db"))
        return self._files[kind].place_of(key)

    def close(self) -> None:
        """Close them."""
        for file in self._files.values():
            file.close()


class FileValue:
    """
    One number, written where it stands: prometheus-client's own looks for it each time.

    No time is kept beside it, as no gauge here is told by its most recent worker.
    """

    files: Files
    _multiprocess = True
    _lock = RLock()  # native threads and signals' handlers count as well

    def __init__(self, kind: str, *described: Any, multiprocess_mode: str = "") -> None:
        """*described*: metric, series, names of labels and their values, and the help text."""
        prefix = f"{kind}_{multiprocess_mode}" if kind == "gauge" else kind
        with self._lock:
            self._place = self.files.place_of(prefix, mmap_key(*described))
            self._number = self._place[0]

    def inc(self, amount: float) -> None:
        """Add *amount*."""
        with self._lock:
            self._number += amount
            self._place[0] = self._number

    def set(self, number: float, timestamp: float | None = None) -> None:  # noqa: ARG002  # as its own
        """Let it be *number*."""
        with self._lock:
            self._place[0] = self._number = number

    def get(self) -> float:
        """Tell it."""
        return self._number

    def get_exemplar(self) -> None:
        """None: `service.exemplars` keeps them."""


def _allocate(descriptor: int, start: int, end: int) -> None:
    """Have every page of the file from *start* to *end*. Raises OSError where there is no room."""
    while start < end:  # a full disk takes a part, and then nothing; not all systems can fallocate
        start += os.pwrite(descriptor, bytes(end - start), start)


def _make(path: Path) -> None:
    """Allocate a file under another name, and give it its own when it can be read."""
    if path.exists():
        return
    descriptor, made = tempfile.mkstemp(dir=path.parent, suffix=".new")
    try:
        _allocate(descriptor, 0, FIRST_BYTES)
        os.pwrite(descriptor, HEADER, 0)
        Path(made).rename(path)
    except OSError:
        Path(made).unlink()
        raise
    finally:
        os.close(descriptor)
