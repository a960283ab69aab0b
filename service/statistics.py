"""
What each version of a model has done since the instance began, over all workers.

Each worker counts in a file of its own for each version, of 64-bit integers in the folder of the
instance; who asks adds them up. A worker that follows another in its slot goes on where that ended.
The names and their meaning are those of the protocol's extension for statistics:
https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_statistics.md
"""

import mmap
import os
from collections import defaultdict
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from time import time
from typing import Any

from service.exchange import Exchange

# Where the numbers stand: when a batch last ended, rows, calls; then count and nanoseconds of each.
LAST_MS, ROWS, CALLS = range(3)
STAGES = ("success", "fail", "queue", "compute_input", "compute_infer", "compute_output")
AT = {stage: CALLS + 1 + 2 * number for number, stage in enumerate(STAGES)}

# Then the sizes of batches as they were first seen, each with its calls and the nanoseconds of
# input, inference and output. Of more sizes than these, only the totals are kept.
HEAD = 16
SIZES, COLUMNS = 1024, 5
NUMBERS = HEAD + SIZES * COLUMNS

# Which stages of an exchange the extension's are.
OF_EXCHANGE = {
    "queue": "queue",
    "compute_input": "decode",
    "compute_infer": "infer",
    "compute_output": "encode",
}


class Statistics:
    """Counts in this worker, and adds up what all have counted."""

    def __init__(self) -> None:
        """Keep the counts in memory until told to `keep` them."""
        self._folder: Path | None = None
        self._slot = 0
        self._records: dict[tuple[str, str], Record] = {}

    def keep(self, folder: Path, slot: int) -> None:
        """Keep the counts of the worker in *slot* in *folder*, from now on."""
        folder.mkdir(exist_ok=True)
        self._folder, self._slot = folder, slot
        self._records.clear()

    def closed(self, exchange: Exchange) -> None:
        """Count a prediction that has ended."""
        asked = exchange.prediction
        if not asked:
            return
        record = self._record(asked["model"], asked["version"])
        is_answered = asked["outcome"] == "answered"
        spent_ms = exchange.stages.spent_ms
        record.add("success" if is_answered else "fail", exchange.stages.duration_s * 1000)
        if not is_answered:
            return
        record.numbers[ROWS] += asked["rows"]
        for stage, own in OF_EXCHANGE.items():
            record.add(stage, spent_ms.get(own, 0.0))
        if (size := asked.get("batch_rows")) and (at := record.place_of(size)):
            record.numbers[at + 2] += int(spent_ms.get("decode", 0.0) * 1e6)
            record.numbers[at + 4] += int(spent_ms.get("encode", 0.0) * 1e6)

    def ran(self, model: str, version: str, rows: int, infer_s: float) -> None:
        """Count a call of *model* and the rows that shared it."""
        record = self._record(model, version)
        record.numbers[LAST_MS] = int(time() * 1000)
        record.numbers[CALLS] += 1
        if at := record.place_of(rows):
            record.numbers[at + 1] += 1
            record.numbers[at + 3] += int(infer_s * 1e9)

    def told(self, model: str, version: str) -> dict[str, Any]:
        """What all workers have counted of one version, as the extension writes it."""
        totals = [0] * HEAD
        sizes: dict[int, list[int]] = defaultdict(lambda: [0] * (COLUMNS - 1))
        for numbers in self._counted(model, version):
            last_ms = max(totals[LAST_MS], numbers[LAST_MS])
            totals = [a + b for a, b in zip(totals, numbers[:HEAD], strict=True)]
            totals[LAST_MS] = last_ms
            for at in range(HEAD, NUMBERS, COLUMNS):
                size, *counts = numbers[at : at + COLUMNS]
                if not size:
                    break
                sizes[size] = [a + b for a, b in zip(sizes[size], counts, strict=True)]
        nothing = {"count": 0, "ns": 0}
        return {
            "name": model,
            "version": version,
            "last_inference": totals[LAST_MS],
            "inference_count": totals[ROWS],
            "execution_count": totals[CALLS],
            "inference_stats": {
                **{stage: {"count": totals[at], "ns": totals[at + 1]} for stage, at in AT.items()},
                "cache_hit": nothing,
                "cache_miss": nothing,
            },
            "batch_stats": [_told_size(size, *sizes[size]) for size in sorted(sizes)],
        }

    def _record(self, model: str, version: str) -> "Record":
        key = model, version
        record = self._records.get(key)
        if record is None:
            path = self._folder and self._folder / f"{_key(model, version)}.{self._slot}"
            record = self._records[key] = Record(path)
        return record

    def _counted(self, model: str, version: str) -> Iterator[list[int]]:
        if self._folder is None:
            yield self._record(model, version).numbers.tolist()
            return
        for path in self._folder.glob(f"{_key(model, version)}.*"):
            counted = path.read_bytes()
            if len(counted) == 8 * NUMBERS:
                yield memoryview(counted).cast("q").tolist()


class Record:
    """One worker's counts of one version."""

    def __init__(self, path: Path | None) -> None:
        """Kept at *path*; in memory without one, or where it cannot be made."""
        self.numbers = (path and _mapped(path)) or memoryview(bytearray(8 * NUMBERS)).cast("q")
        self._places = {
            self.numbers[at]: at for at in range(HEAD, NUMBERS, COLUMNS) if self.numbers[at]
        }

    def add(self, stage: str, spent_ms: float) -> None:
        """Count a request that has spent so long in *stage*."""
        at = AT[stage]
        self.numbers[at] += 1
        self.numbers[at + 1] += int(spent_ms * 1e6)

    def place_of(self, size: int) -> int:
        """Where batches of *size* are counted; 0 where there is no place for them any more."""
        at = self._places.get(size)
        if at is None:
            if len(self._places) == SIZES:
                return 0
            at = self._places[size] = HEAD + COLUMNS * len(self._places)
            self.numbers[at] = size
        return at


def _mapped(path: Path) -> "memoryview[int] | None":
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        # Where pages are only promised, the first write to one on a full disk ends the process.
        os.posix_fallocate(descriptor, 0, 8 * NUMBERS)
        return memoryview(mmap.mmap(descriptor, 8 * NUMBERS)).cast("q")
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _key(model: str, version: str) -> str:
    """A file's name, whatever the model is called."""
    return blake2b(f"{model}\0{version}".encode(), digest_size=12).hexdigest()


def _told_size(size: int, calls: int, input_ns: int, infer_ns: int, output_ns: int) -> Any:
    return {
        "batch_size": size,
        "compute_input": {"count": calls, "ns": input_ns},
        "compute_infer": {"count": calls, "ns": infer_ns},
        "compute_output": {"count": calls, "ns": output_ns},
    }
