"""
Models by name, each in one version or several.

Each version loads by itself, and what fails is tried again while the others serve.
"""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import sleep

from service.errors import UnknownModel
from service.inference.model import Model
from service.inference.repository import Unreadable, models_in
from service.inference.resources import ModelResources

RETRY_FIRST_S, RETRY_MOST_S = 1.0, 60.0

# So often it is looked whether a model that was ready has to be loaded again.
LOOK_S = 1.0


class Catalog:
    """Every model of a repository."""

    def __init__(
        self,
        repository: Path,
        resources: ModelResources,
        loaded: Callable[[Model], None],
        unreadable: Unreadable,
    ) -> None:
        """
        Find the models and begin to load them.

        *loaded* is told when one's state changes, *unreadable* what cannot be looked into.
        """
        self._versions = {
            folder.name: [Model(folder.name, version, resources) for version in versions]
            for folder, versions in models_in(repository, unreadable)
        }
        for model in self:
            threading.Thread(target=self._keep_loading, args=(model, loaded), daemon=True).start()

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

    def _keep_loading(self, model: Model, loaded: Callable[[Model], None]) -> None:
        """
        Load *model*, and again when it is outdated.

        While it fails, try again, ever more rarely, and tell each reason once.
        """
        wait_s, reported = RETRY_FIRST_S, ""
        while True:
            model.load()
            if model.log_reason != reported or model.state == "ready":
                reported = model.log_reason
                loaded(model)
            if model.state == "ready":
                wait_s = RETRY_FIRST_S
                while not model.is_outdated:
                    sleep(LOOK_S)
                continue
            sleep(wait_s)
            wait_s = min(2 * wait_s, RETRY_MOST_S)
