"""
The inputs that were in a model's process when it ended, known to all web workers.

A file beside the model's lock holds a digest of each. While it is empty, which is nearly always,
asking costs one `stat` a batch. A suspect runs alone: it is acquitted, or it is guilty. The file
is replaced as a whole, under a lock of its own; what cannot be read or written counts as absent.
"""

import fcntl
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from time import monotonic
from typing import Literal, TypeAlias

from service.inference.tensors import Tensors, pack
from service.whole_files import write_whole

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
        except OSError:
            return True

    def judge(self, inputs: Tensors) -> Verdict:
        """What is known of *inputs*."""
        found = self._update(lambda records: records).get(_digest(inputs))
        return found[0] if found else "innocent"

    def accuse(self, batch: Iterable[Tensors]) -> None:
        """The process ended with *batch*: a suspect that was alone is guilty, and stays so."""
        digests = [_digest(inputs) for inputs in batch]

        def accused(records: Records) -> Records:
            alone = len(digests) == 1 and digests[0] in records
            verdict: Verdict = "guilty" if alone else "suspect"
            guilty = {digest for digest, (known, _) in records.items() if known == "guilty"}
            return records | {
                digest: ("guilty" if digest in guilty else verdict, monotonic())
                for digest in digests
            }

        self._update(accused)

    def acquit(self, inputs: Tensors) -> None:
        """The process has survived *inputs* alone."""
        digest = _digest(inputs)
        self._update(lambda records: {key: records[key] for key in records if key != digest})

    def _update(self, change: Callable[[Records], Records]) -> Records:
        """Let *change* have the records that are not too old, and keep what it gives."""
        with self._locked():
            written = self._read()
            since_s = monotonic() - MEMORY_S
            records = change({key: kept for key, kept in written.items() if kept[1] > since_s})
            newest = sorted(records.items(), key=lambda record: record[1][1])[-MOST_RECORDS:]
            if dict(newest) != written:
                with suppress(OSError):
                    write_whole(self._path, json.dumps(dict(newest)).encode() if newest else b"")
        return records

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with ExitStack() as held:
            with suppress(OSError):
                lock = held.enter_context(self._path.with_suffix(".judging").open("ab"))
                fcntl.flock(lock, fcntl.LOCK_EX)  # for microseconds: nobody waits while holding it
            yield

    def _read(self) -> Records:
        try:
            known: Records = json.loads(self._path.read_bytes())
            return {key: (verdict, float(at)) for key, (verdict, at) in known.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}


def _digest(inputs: Tensors) -> str:
    return blake2b(pack(inputs), digest_size=DIGEST_BYTES).hexdigest()
