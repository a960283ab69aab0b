"""A worker's part in a change: it tries what is proposed, and serves what is agreed upon."""

import os
import threading
from pathlib import Path
from time import monotonic

import structlog

from config.roster import GENERATION, Roster
from service.errors import public_reason
from service.inference.catalog import Catalog
from service.inference.model import Model
from service.inference.repository import versions_in
from service.repository.looking import look_on
from service.repository.records import CurrentSet, Proposal, Records, Vote

# Between two looks at what is proposed and agreed upon.
LOOK_S = 0.05

# So long after it has tried a proposal, a worker wonders whether anybody is still behind it.
ORPHANED_S = 1.0

log = structlog.get_logger()


class Follower:
    """Keeps *catalog* at what the records of the instance say, for the worker in *slot*."""

    def __init__(
        self, records: Records, current: CurrentSet, catalog: Catalog, roster: Roster, slot: int
    ) -> None:
        """The catalog serves the *current* set."""
        self._records, self._catalog, self._slot = records, catalog, slot
        self._current = current
        self._generation = roster.cell(slot, GENERATION)
        self._generation[0] = current.generation
        self.is_behind = True
        self._trial: threading.Thread | None = None
        self._proposal: Proposal | None = None
        self._tried: list[Model] = []
        self._looked_s = monotonic()

    def follow(self) -> None:
        """Look, for ever."""
        look_on(self.look, LOOK_S, "models_not_followed")

    def look(self) -> None:
        """Serve what has been agreed upon, and begin to try what is proposed."""
        # Read first: what is withdrawn since then has been agreed upon, and is not to be dropped.
        proposal = self._records.proposal()
        if self._records.has_changed() or self.is_behind:
            self.is_behind = True
            current = self._records.current()
            if current and current.generation > self._current.generation:
                self._switch(current)
            self.is_behind = False
        if proposal is None or proposal.generation <= self._current.generation:
            self._drop()
            return
        if self._proposal is None or proposal.generation != self._proposal.generation:
            self._drop()
            if proposal.only in {None, os.getpid()}:
                self._proposal = proposal
                self._trial = threading.Thread(target=self._try, args=(proposal,), daemon=True)
                self._trial.start()
        self._withdraw_if_orphaned()

    def _withdraw_if_orphaned(self) -> None:
        """Let nothing be tried of which nobody is there to hear."""
        if monotonic() - self._looked_s > ORPHANED_S:
            self._looked_s = monotonic()
            with self._records.turn() as nobody_else:
                if nobody_else:
                    self._records.withdraw()

    def _try(self, proposal: Proposal) -> None:
        """Load what is proposed, ask its golden example, and tell how that went."""
        models: list[Model] = []
        try:
            models = self._loaded(proposal.name, proposal.folder)
            failed = [model for model in models if model.state != "ready"]
            reason = "; ".join(f"version {each.version}: {each.reason}" for each in failed)
            reason = reason or ("" if models else "there is no model.toml")
            for model in failed:
                log.error(
                    "model_refused",
                    model=model.name,
                    version=model.version,
                    reason=model.log_reason or model.reason,
                )
        except Exception as error:  # noqa: BLE001  # a framework may raise anything
            reason = public_reason(error)
        if reason or self._proposal is not proposal:
            _close(models)
        else:
            self._tried = models
        self._records.vote(proposal.generation, self._slot, Vote(pid=os.getpid(), reason=reason))

    def _loaded(self, name: str, folder: str) -> list[Model]:
        folders = versions_in(Path(folder), lambda _folder, _error: None)
        models = self._catalog.made(name, folders)
        for model in models:
            model.load()
        return models

    def _switch(self, current: CurrentSet) -> None:
        """Serve what *current* says: what was tried already, or else what loads now."""
        before = self._current.models
        for name in before.keys() | current.models.keys():
            served = current.models.get(name)
            if served == before.get(name):
                continue
            models: list[Model] = []
            if served:
                models = self._take_tried(served.folder) or self._loaded(name, served.folder)
            self._catalog.replace(name, models)
            log.info(
                "model_replaced" if served else "model_unloaded",
                model=name,
                versions=[model.version for model in models],
                generation=current.generation,
            )
        self._drop()
        self._current = current
        self._generation[0] = current.generation

    def _take_tried(self, folder: str) -> list[Model]:
        """What was tried of *folder*, once that has ended."""
        if self._proposal is None or self._proposal.folder != folder or self._trial is None:
            return []
        self._trial.join()
        tried, self._tried = self._tried, []
        return tried

    def _drop(self) -> None:
        """Let go of what was tried and is not to be."""
        tried, self._tried, self._proposal = self._tried, [], None
        _close(tried)


def _close(models: list[Model]) -> None:
    for model in models:  # each waits for its end
        threading.Thread(target=model.retire, daemon=True).start()
