"""
What the workers of an instance tell one another of their models, in files of its folder.

`current.json` is the set that everybody serves, by its generation; `proposal.json` is the next one,
while it is tried; `votes/` has each worker's word on it. Each is replaced as a whole.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from service.whole_files import write_whole


@dataclass(frozen=True, kw_only=True)
class Served:
    """
    A model as it is served: what stands in *folder*.

    The *fingerprint* is that of the model's folder in the repository when it was taken over.
    """

    folder: str
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class CurrentSet:
    """
    The models by name, the *generation* of this set, and the *reloads* that it has answered.

    *unloaded* are those that nobody wants served, each with the fingerprint that it had.
    """

    generation: int = 0
    reloads: int = 0
    models: dict[str, Served] = field(default_factory=dict)
    unloaded: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """
    That the model *name* be what stands in *folder* from *generation* on.

    The worker *only*, by its process, tries it first, alone; everybody where that is None.
    """

    generation: int
    name: str
    folder: str
    only: int | None


@dataclass(frozen=True, kw_only=True)
class Vote:
    """The word of the worker *pid*: it has loaded the model, or the *reason* why not."""

    pid: int
    reason: str = ""


class Records:
    """The files, in *folder*."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._votes = folder / "votes"
        self._votes.mkdir(parents=True, exist_ok=True)
        self._current, self._proposal = folder / "current.json", folder / "proposal.json"
        self._lock, self._proposed = folder / "lock", folder / "proposed"
        self._attempts = folder / "attempts.json"
        self._read_stamp: tuple[int, int] | None = None

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Whether nobody else is changing the set, who cannot as long as the block runs."""
        lock = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield True
        except BlockingIOError:
            yield False
        finally:
            os.close(lock)

    def has_changed(self) -> bool:
        """Whether the set may be another than when this was asked last."""
        try:
            status = self._current.stat()
        except FileNotFoundError:
            return False
        before, self._read_stamp = self._read_stamp, (status.st_ino, status.st_mtime_ns)
        return before != self._read_stamp

    def current(self) -> CurrentSet | None:
        """The set that everybody serves; None before there is one."""
        told = _told(self._current)
        if told is None:
            return None
        models = {name: Served(**each) for name, each in told.pop("models").items()}
        return CurrentSet(**told, models=models)

    def commit(self, current: CurrentSet) -> None:
        """Let everybody serve *current*. Raises OSError."""
        write_whole(self._current, json.dumps(asdict(current)).encode())

    def proposal(self) -> Proposal | None:
        """What is tried now."""
        told = _told(self._proposal)
        return None if told is None else Proposal(**told)

    def next_generation(self) -> int:
        """One that no worker has heard of, also of a proposal that came to nothing."""
        current = self.current() or CurrentSet()
        generation = max(_told(self._proposed) or 0, current.generation) + 1
        write_whole(self._proposed, str(generation).encode())
        return generation

    def attempts(self) -> dict[str, str]:
        """What was tried and of which nobody has told the end, by name: its fingerprint."""
        return _told(self._attempts) or {}

    def attempt(self, name: str, fingerprint: str | None) -> None:
        """Note that the model *name* is tried as it stands now, or that its trial has ended."""
        others = {known: each for known, each in self.attempts().items() if known != name}
        tried = {name: fingerprint} if fingerprint else {}
        write_whole(self._attempts, json.dumps(others | tried).encode())

    def propose(self, proposal: Proposal) -> None:
        """Let workers try *proposal*. Raises OSError."""
        write_whole(self._proposal, json.dumps(asdict(proposal)).encode())

    def withdraw(self) -> None:
        """Nothing is tried any more."""
        self._proposal.unlink(missing_ok=True)
        for vote in self._votes.iterdir():
            vote.unlink(missing_ok=True)

    def vote(self, generation: int, slot: int, vote: Vote) -> None:
        """Tell a worker's word on the proposal of *generation*. Raises OSError."""
        write_whole(self._votes / f"{generation}.{slot}", json.dumps(asdict(vote)).encode())

    def votes(self, generation: int) -> dict[int, Vote]:
        """The words of the workers so far, by slot."""
        votes: dict[int, Vote] = {}
        for path in self._votes.glob(f"{generation}.*"):
            slot = path.name.partition(".")[2]
            if slot.isdecimal():
                told = _told(path)
                votes |= {int(slot): Vote(**told)} if told else {}
        return votes


def _told(path: Path) -> Any:
    """The JSON in *path*; None if there is no such file."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
