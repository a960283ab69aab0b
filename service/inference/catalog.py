"""
The repository: models by name, each in one version or several.

`<name>/model.toml` is a model of one version, `<name>/<version>/model.toml` one of several. Each
version loads by itself, and what fails is tried again while the others serve.
"""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import sleep
from typing import TypeAlias

from service.errors import UnknownModel
from service.inference.manifest.reading import MODEL_TOML
from service.inference.model import Model
from service.inference.resources import ModelResources

RETRY_FIRST_S, RETRY_MOST_S = 1.0, 60.0

Order: TypeAlias = tuple[int, tuple[int, ...], str]


class Catalog:
    """Every model of a repository."""

    def __init__(
        self, repository: Path, resources: ModelResources, loaded: Callable[[Model], None]
    ) -> None:
        """Find the models and begin to load them; *loaded* is told when one's state changes."""
        self._versions = {
            folder.name: [Model(folder.name, version, resources) for version in versions]
            for folder, versions in _folders(repository)
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
        """Load *model*; while it fails, try again, ever more rarely, and tell each reason once."""
        wait_s, reported = RETRY_FIRST_S, ""
        while True:
            model.load()
            if model.reason != reported or model.state == "ready":
                reported = model.reason
                loaded(model)
            if model.state == "ready":
                return
            sleep(wait_s)
            wait_s = min(2 * wait_s, RETRY_MOST_S)


def _folders(repository: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Each model's folder, and those of its versions in order; a single version is the folder."""
    for folder in sorted(path for path in repository.iterdir() if path.is_dir()):
        if (folder / MODEL_TOML).is_file():
            yield folder, [folder]
        elif versions := [found.parent for found in folder.glob(f"*/{MODEL_TOML}")]:
            yield folder, sorted(versions, key=lambda version: _order(version.name))


def _order(version: str) -> Order:
    """Numbers by their value, 1.10 after 1.9, and after whatever is not a number."""
    parts = version.removeprefix("v").split(".")
    if all(part.isascii() and part.isdigit() for part in parts):
        return 1, tuple(map(int, parts)), version
    return 0, (), version
