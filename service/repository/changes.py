"""What changes the set without being asked over HTTP: SIGHUP, and files that are new."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

import structlog

from config.roster import Roster
from service.errors import ModelRefused, ServiceError
from service.repository.coordinator import Coordinator
from service.repository.looking import look_on
from service.repository.records import CurrentSet, Records

# Between two looks at the repository: what is the same in two of them is not being written.
LOOK_S = 1.0

log = structlog.get_logger()


class Changes:
    """Looks for them, in the worker in *slot*; of all workers one looks at the files."""

    def __init__(
        self,
        coordinator: Coordinator,
        records: Records,
        roster: Roster,
        slot: int,
        *,
        lock: Path,
        watches: bool,
    ) -> None:
        """*lock* is held by the one that looks at the files, if any *watches* them."""
        self._coordinator, self._records = coordinator, records
        self._roster, self._slot = roster, slot
        self._watches = watches
        self._lock = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._seen: dict[str, str] = {}
        self._refused: dict[str, str] = {}

    def look_on(self) -> None:
        """Look, for ever."""
        look_on(self._look, LOOK_S, "models_not_watched")

    def _look(self) -> None:
        row = self._roster.row(self._slot)
        if not row.listens or row.retires:
            return
        current = self._records.current() or CurrentSet()
        if self._roster.reloads > current.reloads:
            self._reload()
        elif self._watches and self._is_the_one():
            self._watch(current)

    def _reload(self) -> None:
        """Answer a SIGHUP, unless another worker does."""
        with self._records.turn() as is_free:
            if not is_free:
                return
        changed, refused = self._coordinator.reload(self._roster.reloads)
        log.info("models_reloaded", changed=changed, refused=sorted(refused))
        self._tell(refused)

    def _watch(self, current: CurrentSet) -> None:
        """Take over what has changed and has stood still since the last look."""
        found: dict[str, str] = {}
        for folder in self._coordinator.folders():
            with suppress(OSError):  # it is just being written, or cannot be read
                found[folder.name] = self._coordinator.fingerprint_of(folder)
        before, self._seen = self._seen, found
        for name, now in found.items():
            stands_still = before.get(name) == now and self._refused.get(name) != now
            if stands_still and self._coordinator.is_news(name, now):
                self._change(name, now)
        for name in current.models.keys() - found.keys() - before.keys():
            if self._coordinator.is_gone(name):
                self._coordinator.forget(name)

    def _change(self, name: str, now: str) -> None:
        try:
            self._coordinator.load(name)
        except ModelRefused as error:
            self._refused[name] = now
            self._tell({name: str(error)})
        except ServiceError as error:  # it may be otherwise at the next look
            self._tell({name: str(error)})

    @staticmethod
    def _tell(refused: dict[str, str]) -> None:
        for name, reason in refused.items():
            log.error("model_not_replaced", model=name, reason=reason)

    def _is_the_one(self) -> bool:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
