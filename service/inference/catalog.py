"""
Models by name, each in one version or several.

Each version loads by itself, and what fails is tried again while the others serve. A model may be
replaced while it serves: who has found the old one is answered by it, and then it is let go of.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from time import sleep
from typing import TypeAlias

from service.errors import UnknownModel
from service.inference.model import Model
from service.inference.resources import ModelResources

RETRY_FIRST_S, RETRY_MOST_S = 1.0, 60.0

# So often it is looked whether a model that was ready has to be loaded again.
LOOK_S = 1.0

# The folders of each model's versions, in order, by the model's name.
Found: TypeAlias = Mapping[str, Sequence[Path]]


class Catalog:
    """The models that this worker serves."""

    def __init__(
        self,
        found: Found,
        resources: ModelResources,
        loaded: Callable[[Model], None],
        retired: Callable[[Model], None] = lambda _model: None,
    ) -> None:
        """
        Begin to load the models that were *found*.

        *loaded* is told when one's state changes, *retired* when one has been let go of.
        """
        self._resources, self._loaded, self._retired = resources, loaded, retired
        self._versions: dict[str, list[Model]] = {}
        for name, folders in found.items():
            self._serve(name, self.made(name, folders))

    def made(self, name: str, folders: Sequence[Path]) -> list[Model]:
        """Make models of a name, which nobody serves yet and nothing loads."""
        return [Model(name, folder, self._resources) for folder in folders]

    def replace(self, name: str, models: list[Model]) -> None:
        """Serve *models* under *name* from now on, none if there are none."""
        old = self._versions.get(name, [])
        self._serve(name, models)
        for model in old:
            model.is_retired = True

    def _serve(self, name: str, models: list[Model]) -> None:
        others = {known: kept for known, kept in self._versions.items() if known != name}
        added = {name: models} if models else {}
        self._versions = dict(sorted((others | added).items()))
        for model in models:
            threading.Thread(target=self._keep_loading, args=(model,), daemon=True).start()

    def __iter__(self) -> Iterator[Model]:
        """Every version of every model, by name and in order."""
        for versions in self._versions.values():
            yield from versions

    def find(self, name: str, version: str | None = None) -> Model:
        """
        Find a model: the named version, or the highest that is ready, or the highest.

        Raises UnknownModel naming those that are served.
        """
        versions = self._versions.get(name)
        if versions is None:
            served = ", ".join(self._versions) or "none"
            raise UnknownModel(f"no model named {name[:100]!r}; served here: {served}")
        if len(versions) == 1 and version is None:  # nothing to choose by asking its state
            return versions[0]
        if version is None:
            ready = [model for model in versions if model.state == "ready"]
            return (ready or versions)[-1]
        for model in versions:
            if model.version == version:
                return model
        known = ", ".join(model.version for model in versions)
        raise UnknownModel(f"{name!r} has no version {version[:100]!r}; it has {known}")

    def versions(self, name: str) -> list[Model]:
        """Find every version of a model, the highest last. Raises UnknownModel."""
        return self._versions[self.find(name).name]

    def unready(self) -> list[Model]:
        """
        Find what keeps this worker from its traffic.

        That is whatever still loads, and every version of a model of which none is ready: one
        that fails beside one that answers takes no traffic away.
        """
        blamed = []
        for versions in self._versions.values():
            is_served = any(model.state == "ready" for model in versions)
            blamed += [
                model
                for model in versions
                if model.state == "loading" or (model.state != "ready" and not is_served)
            ]
        return blamed

    @property
    def is_loading(self) -> bool:
        """Whether a model has neither loaded nor failed yet."""
        return any(model.state == "loading" for model in self)

    def _keep_loading(self, model: Model) -> None:
        """
        Load *model*, unless it has been, and again when it is outdated, until it is replaced.

        While it fails, try again, ever more rarely, and tell each reason once.
        """
        wait_s, reported = RETRY_FIRST_S, ""
        while not model.is_retired:
            if model.state != "ready" or model.is_outdated:
                model.load()
            if model.log_reason != reported or model.state == "ready":
                reported = model.log_reason
                self._loaded(model)
            if model.state == "ready":
                wait_s = RETRY_FIRST_S
                while not (model.is_outdated or model.is_retired):
                    sleep(LOOK_S)
                continue
            sleep(wait_s)
            wait_s = min(2 * wait_s, RETRY_MOST_S)
        while model.users:  # who has found it has its answer
            sleep(LOOK_S)
        model.retire()
        self._retired(model)
