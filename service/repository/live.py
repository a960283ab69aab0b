"""The repository as an instance serves it: read once, or open to changes while it serves."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import structlog

from config.roster import Roster
from config.settings import Settings
from service.errors import InvalidModel, NotEnabled
from service.inference.catalog import Catalog, Found
from service.inference.execution.native import ExecutorFactory
from service.inference.mapping import place
from service.inference.repository import Unreadable, models_in, versions_in
from service.inference.single import is_single, presented
from service.repository.beside import Beside
from service.repository.changes import Changes
from service.repository.coordinator import Coordinator
from service.repository.copies import MOST_BYTES, Copies, fingerprint, size_bytes, sweep
from service.repository.follower import Follower
from service.repository.records import CurrentSet, Records, Served

# The first worker copies the models before it loads them; the others wait for so long.
COPYING_S, LOOK_S = 25.0, 0.05

# What is copied lies below the folder for what models map.
COPIES = "copies"

# What workers tell one another lies in the instance's own folder.
RECORDS = "repository"

log = structlog.get_logger()


class Repository:
    """
    The models of the instance that this worker belongs to.

    They change while it serves if the settings have an admin token or key, or watch the repository.
    """

    def __init__(
        self,
        settings: Settings,
        unreadable: Unreadable,
        native_threads: ExecutorFactory,
        scratch: Callable[[], Path],
    ) -> None:
        """*scratch* is the private folder of the instance."""
        self._settings, self._unreadable, self._scratch = settings, unreadable, scratch
        self._beside = Beside(native_threads, settings.load_timeout_s)
        self._records: Records | None = None
        self._copies: Copies | None = None
        self._coordinator: Coordinator | None = None
        self._follower: Follower | None = None
        self._current = CurrentSet()

    @property
    def is_behind(self) -> bool:
        """Whether this worker has yet to serve what the others do."""
        return self._follower is not None and self._follower.is_behind

    def found(self) -> Found:
        """The models to begin with: what the other workers serve, or what is there."""
        folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")  # the instance's own, under Gunicorn
        changes = self._settings.takes_changes or self._settings.watches_models
        kept = place.folder(self._settings.model_cache) if folder and changes else None
        if folder and kept:
            try:
                return self._shared(Path(folder), kept)
            except OSError as error:
                if Records(Path(folder) / RECORDS).current():
                    raise  # the others serve what this one cannot: another will try
                log.warning("models_cannot_change", reason=str(error))
        found = models_in(self._folder(), self._unreadable)
        return {folder.name: versions for folder, versions in found}

    def attend(self, catalog: Catalog, roster: Roster, slot: int) -> None:
        """Take part in changes from now on, as the worker in *slot*."""
        if self._records is None or self._copies is None:
            return
        self._coordinator = Coordinator(
            self._folder,
            self._records,
            self._copies,
            roster,
            slot,
            load_limit_s=self._settings.load_timeout_s,
            unreadable=self._unreadable,
            beside=self._beside,
        )
        follower = self._follower = Follower(self._records, self._current, catalog, roster, slot)
        changes = Changes(
            self._coordinator,
            self._records,
            roster,
            slot,
            lock=self._records.folder / "watch.lock",
            watches=self._settings.watches_models,
        )
        for keep_on in (follower.follow, changes.look_on):
            threading.Thread(target=keep_on, daemon=True).start()

    @property
    def coordinator(self) -> Coordinator:
        """What changes the set. Raises NotEnabled where it cannot be changed."""
        if self._coordinator is None:
            raise NotEnabled(
                "models cannot be changed here while it serves: that takes WEIR_ADMIN_TOKEN, "
                "Gunicorn's workers, and a folder that only this user can write"
            )
        return self._coordinator

    def _folder(self) -> Path:
        """The folder with a folder for each model."""
        path, name = self._settings.models, self._settings.model_name
        return presented(path, name, self._scratch()) if is_single(path, name) else path

    def _shared(self, folder: Path, kept: Path) -> Found:
        records = Records(folder / RECORDS)
        sweep(kept / COPIES)
        copies = Copies(kept / COPIES / folder.name, folder)
        self._current = self._read(records, copies)
        self._records, self._copies = records, copies
        return {
            name: versions_in(Path(served.folder), self._unreadable)
            for name, served in self._current.models.items()
        }

    def _read(self, records: Records, copies: Copies) -> CurrentSet:
        """What the others serve; the first worker makes it of what is in the repository."""
        until_s = monotonic() + COPYING_S
        while True:
            if current := records.current():
                return current
            with records.turn() as is_mine:
                if is_mine and not records.current():
                    records.commit(self._first(copies))
            if monotonic() > until_s:
                raise OSError("the first worker has not copied the models in time")
            sleep(LOOK_S)

    def _first(self, copies: Copies) -> CurrentSet:
        models, left_bytes = {}, MOST_BYTES
        for number, (source, _) in enumerate(models_in(self._folder(), self._unreadable)):
            try:
                served = copies.take(source, number + 1, left_bytes)
                copied = served.folder != str(source)
                left_bytes -= size_bytes(Path(served.folder)) if copied else 0
            except InvalidModel as error:
                log.warning("model_not_copied", model=source.name, reason=str(error))
                served = Served(folder=str(source), fingerprint=fingerprint(source))
            models[source.name] = served
        return CurrentSet(generation=len(models) + 1, models=models)
