"""
A change of the set, from the side of the worker that was asked for it.

The model is copied, tried by this worker alone, then by every worker that takes connections; when
all of them have loaded it and asked its golden example, the next set is written, and all serve it.
Where one refuses, nobody changes anything.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep

from config.roster import GENERATION, Roster, Row
from service.errors import (
    DeadlineExceeded,
    InvalidModel,
    ModelRefused,
    Overloaded,
    ServiceError,
    UnknownModel,
)
from service.inference.repository import Unreadable, models_in
from service.repository.beside import Beside
from service.repository.copies import Copies, fingerprint
from service.repository.records import CurrentSet, Proposal, Records

LOOK_S = 0.02

# Beyond the time that loading may take: to copy, to hear of it, and to tell.
GRACE_S = 10.0

# Once it is agreed upon, every worker serves it after a moment; one that hangs is waited for so
# long.
SWITCH_S = 10.0

UNREADABLE = "its files cannot be read"


class Coordinator:
    """Changes the set that the workers of *roster* serve, from the worker in *slot*."""

    def __init__(
        self,
        repository: Callable[[], Path],
        records: Records,
        copies: Copies,
        roster: Roster,
        slot: int,
        *,
        load_limit_s: float,
        unreadable: Unreadable,
        beside: Beside,
    ) -> None:
        """*beside* does what waits for a disk in a native thread; *repository* finds the folder."""
        self._repository, self._records, self._copies = repository, records, copies
        self._roster, self._slot = roster, slot
        self._limit_s = load_limit_s + GRACE_S
        # The most that one change takes: a wait for its turn, a copy and two trials.
        self.limit_s = 4 * self._limit_s
        self._unreadable = unreadable
        self._beside = beside

    def load(self, name: str) -> bool:
        """
        Serve the model *name* as it stands in the repository; whether that changed anything.

        Raises UnknownModel, ModelRefused with the reason, and Overloaded while another change is
        under way for too long.
        """
        with self._turn():
            return self._load(name)

    def unload(self, name: str) -> None:
        """Serve the model *name* no more. Raises UnknownModel, and Overloaded as `load` does."""
        with self._turn():
            served = self._current().models.get(name)
            if served is None:
                raise UnknownModel(f"failed to unload {name[:100]!r}: it is not served")
            self._remove(name, {name: served.fingerprint})

    def reload(self, reloads: int | None = None) -> tuple[list[str], dict[str, str]]:
        """
        Serve the repository as it stands: the names that have changed, and why others could not.

        What has ended the worker that tried it is not tried again as it is, and what has been
        unloaded and has not changed since stays so. *reloads* is the number of the
        signal that is answered so. Raises Overloaded.
        """
        changed: list[str] = []
        refused: dict[str, str] = {}
        with self._turn():
            found = {folder.name: folder for folder in self.folders()}
            for name in sorted(found.keys() | self._current().models.keys()):
                try:
                    if name in found:
                        news = self.is_news(name, self.fingerprint_of(found[name]))
                        changed += [name] if news and self._load(name) else []
                    elif self.is_gone(name):
                        self._remove(name, {})
                        changed.append(name)
                except (ServiceError, OSError) as error:
                    refused[name] = str(error) if isinstance(error, ServiceError) else UNREADABLE
            if reloads is not None:
                self._records.commit(replace(self._current(), reloads=reloads))
        return changed, refused

    def forget(self, name: str) -> None:
        """Serve the model *name*, which is gone from the repository, no more."""
        with self._turn():
            if name in self._current().models:
                self._remove(name, {})

    def is_gone(self, name: str) -> bool:
        """Whether the repository has nothing of that name, be it readable or not."""
        return not os.path.lexists(self._repository() / name)

    def is_news(self, name: str, now: str) -> bool:
        """Whether *now* is neither served, nor unloaded as it is, nor what ended who tried it."""
        current = self._current()
        served = current.models.get(name)
        known = served.fingerprint if served else current.unloaded.get(name)
        return now not in {known, self._records.attempts().get(name)}

    def fingerprint_of(self, folder: Path) -> str:
        """What tells this state of *folder* from another. Raises OSError."""
        return self._beside(lambda: fingerprint(folder))

    def folders(self) -> list[Path]:
        """The models in the repository, whether they are served or not."""
        try:
            return self._beside(
                lambda: [folder for folder, _ in models_in(self._repository(), self._unreadable)]
            )
        except InvalidModel as error:
            raise ModelRefused(str(error)) from None

    def _remove(self, name: str, unloaded: dict[str, str]) -> None:
        current = self._current()
        models = {known: each for known, each in current.models.items() if known != name}
        self._commit(
            replace(
                current,
                generation=current.generation + 1,
                models=models,
                unloaded=current.unloaded | unloaded,
            )
        )

    def _load(self, name: str) -> bool:
        source = next((each for each in self.folders() if each.name == name), None)
        if source is None:
            raise UnknownModel(f"failed to load {name[:100]!r}: the repository has no such model")
        current = self._current()
        served = current.models.get(name)
        now = self.fingerprint_of(source)
        if served and served.fingerprint == now:
            return False
        self._records.withdraw()  # what one has left who was killed
        generation = self._records.next_generation()
        try:
            copy = self._beside(lambda: self._copies.take(source, generation))
        except InvalidModel as error:
            raise ModelRefused(f"failed to load {name!r}: {error}") from None
        proposal = Proposal(generation=generation, name=name, folder=copy.folder, only=os.getpid())
        # Should it end this worker, nobody is to try it again without being asked.
        self._records.attempt(name, copy.fingerprint)
        try:
            reason = self._refusal(proposal) or self._refusal(replace(proposal, only=None))
        except BaseException:
            self._give_up(current)
            raise
        finally:
            self._records.attempt(name, None)
        if reason:
            self._give_up(current)
            goes_on = "; what was served before goes on" if served else ""
            raise ModelRefused(f"failed to load {name!r}: {reason}{goes_on}")
        models = current.models | {name: copy}
        unloaded = {known: each for known, each in current.unloaded.items() if known != name}
        self._commit(replace(current, generation=generation, models=models, unloaded=unloaded))
        return True

    def _current(self) -> CurrentSet:
        return self._records.current() or CurrentSet()

    def _refusal(self, proposal: Proposal) -> str:
        """Have *proposal* tried; empty when all who should have loaded it, else why one has not."""
        self._records.propose(proposal)
        until_s = monotonic() + self._limit_s
        while monotonic() < until_s:
            votes = self._records.votes(proposal.generation)
            for vote in votes.values():
                if vote.reason:
                    return vote.reason
            asked = self._serving() if proposal.only is None else {self._slot: self._own_row()}
            if all(slot in votes and votes[slot].pid == row.pid for slot, row in asked.items()):
                return ""
            sleep(LOOK_S)
        told = f"not every worker has loaded {proposal.name!r} within {self._limit_s:g} s"
        raise DeadlineExceeded(told)

    def _commit(self, current: CurrentSet) -> None:
        """Let everybody serve *current*, and return when they do."""
        self._records.commit(current)
        self._records.withdraw()
        until_s = monotonic() + SWITCH_S
        while self._behind(current.generation) and monotonic() < until_s:
            sleep(LOOK_S)
        self._tidy(current)

    def _give_up(self, current: CurrentSet) -> None:
        self._records.withdraw()
        self._tidy(current)

    def _tidy(self, current: CurrentSet) -> None:
        """Remove the copies that are no longer served."""
        kept = {each.folder for each in current.models.values()}
        self._beside(lambda: self._copies.keep_only(kept))

    def _behind(self, generation: int) -> bool:
        return any(self._roster.cell(slot, GENERATION)[0] < generation for slot in self._serving())

    def _serving(self) -> dict[int, Row]:
        """The workers that take connections, also those that will leave, by slot."""
        rows = enumerate(self._roster.rows())
        return {slot: row for slot, row in rows if row.pid and row.listens}

    def _own_row(self) -> Row:
        return self._roster.row(self._slot)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait until nobody else changes the set. Raises Overloaded when that takes too long."""
        until_s = monotonic() + self._limit_s
        while monotonic() < until_s:
            with self._records.turn() as is_mine:
                if is_mine:
                    yield
                    return
            sleep(LOOK_S)
        raise Overloaded("another change of the models is under way; try again later")
