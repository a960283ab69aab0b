"""
The inputs that were in a model's process when it ended, known to all web workers.

A file beside the model's lock holds a digest of each. While it is empty, which is nearly always,
asking costs one `stat` a batch. A suspect runs alone: it is acquitted, or it is guilty.
"""

import fcntl
import json
from collections.abc import Callable, Iterable
from hashlib import blake2b
from pathlib import Path
from time import monotonic
from typing import Literal, TypeAlias

from service.inference.tensors import Tensors, pack

Verdict: TypeAlias = Literal["innocent", "suspect", "guilty"]
Records: TypeAlias = dict[str, tuple[Verdict, float]]

# One that has not come again by then is forgotten.
MEMORY_S = 3600.0
MOST_RECORDS = 1000
DIGEST_BYTES = 16


class Quarantine:
    """The records of one model; every method may be called by any worker at any time."""

    def __init__(self, path: Path) -> None:
        """Keep the records in *path*, which is made when there is one."""
        self._path = path

    @property
    def is_empty(self) -> bool:
        """Whether nobody is under suspicion."""
        try:
            return self._path.stat().st_size == 0
        except FileNotFoundError:
            return True

    def judge(self, inputs: Tensors) -> Verdict:
        """What is known of *inputs*."""
        found = self._update(lambda records: records).get(_digest(inputs))
        return found[0] if found else "innocent"

    def accuse(self, batch: Iterable[Tensors]) -> None:
        """The process ended with *batch*: a suspect that was alone is guilty, others suspect."""
        digests = [_digest(inputs) for inputs in batch]

        def accused(records: Records) -> Records:
            alone = len(digests) == 1 and digests[0] in records
            verdict: Verdict = "guilty" if alone else "suspect"
            return records | {digest: (verdict, monotonic()) for digest in digests}

        self._update(accused)

    def acquit(self, inputs: Tensors) -> None:
        """The process has survived *inputs* alone."""
        digest = _digest(inputs)
        self._update(lambda records: {key: records[key] for key in records if key != digest})

    def _update(self, change: Callable[[Records], Records]) -> Records:
        """Let *change* have the records that are not too old, and keep what it gives."""
        with self._path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # for microseconds: nobody waits while holding it
            file.seek(0)
            written = file.read()
            since = monotonic() - MEMORY_S
            known = json.loads(written or b"{}").items()
            records = change({key: (verdict, at) for key, (verdict, at) in known if at > since})
            newest = sorted(records.items(), key=lambda record: record[1][1])[-MOST_RECORDS:]
            kept = json.dumps(dict(newest)).encode() if newest else b""
            if kept != written:
                file.truncate(0)
                file.write(kept)
        return records


def _digest(inputs: Tensors) -> str:
    return blake2b(pack(inputs), digest_size=DIGEST_BYTES).hexdigest()
