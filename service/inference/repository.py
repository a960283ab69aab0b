"""
The repository: a folder with a folder for each model.

`<name>/model.toml` is a model of one version, `<name>/<version>/model.toml` one of several. Hidden
names are none of them: Kubernetes keeps what a ConfigMap or a Secret holds in `..data`, and shows
it by links beside it.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from stat import S_ISDIR
from typing import TypeAlias

from service.errors import InvalidModel
from service.inference.manifest.reading import MODEL_TOML

Order: TypeAlias = tuple[int, tuple[int, ...], str]
Stamp: TypeAlias = tuple[int, int, int] | None
Unreadable: TypeAlias = Callable[[Path, OSError], None]


def models_in(repository: Path, unreadable: Unreadable) -> Iterator[tuple[Path, list[Path]]]:
    """
    Each model's folder, and those of its versions in order; a single version is the folder itself.

    *unreadable* is told what cannot be looked into, and why: that is no model, and harms no other.
    Raises OSError if the repository itself cannot be read.
    """
    for folder in sorted(_shown(repository)):
        try:
            versions = versions_in(folder, unreadable)
        except OSError as error:
            unreadable(folder, error)
            continue
        if versions:
            yield folder, versions


def versions_in(folder: Path, unreadable: Unreadable) -> list[Path]:
    """
    The folders of the versions of the model in *folder*, in order; itself if it is the only one.

    None if it is no model. Raises OSError where that cannot be read.
    """
    if _is_model(folder):
        return [folder]
    inner = _shown(folder) if folder.is_dir() else []
    return sorted(_readable(inner, unreadable), key=lambda version: _order(version.name))


class Unchanged:
    """Files that must be the same for as long as they are read: one version is loaded, or none."""

    def __init__(self, path: Path) -> None:
        self._stamps = {path: _stamp(path)}

    def add(self, path: Path) -> None:
        """Let another be one of them from now on."""
        self._stamps[path] = _stamp(path)

    def check(self) -> None:
        """Raise InvalidModel where one was replaced or written to meanwhile."""
        changed = [path.name for path, stamp in self._stamps.items() if _stamp(path) != stamp]
        if changed:
            listed = " and ".join(changed)
            raise InvalidModel(f"{listed} changed while the model was loaded; it is loaded again")


def _stamp(path: Path) -> Stamp:
    """Which file it is, when it was changed, and its size; none if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _shown(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


def _readable(folders: list[Path], unreadable: Unreadable) -> Iterator[Path]:
    """Those of *folders* that are models."""
    for folder in folders:
        try:
            if _is_model(folder):
                yield folder
        except OSError as error:
            unreadable(folder, error)


def _is_model(folder: Path) -> bool:
    """Whether it has a model.toml, which can be read. Raises OSError if nobody can tell."""
    if not S_ISDIR(folder.stat().st_mode):
        return False
    try:
        (folder / MODEL_TOML).open("rb").close()
    except FileNotFoundError:
        return False
    return True


def is_version(name: str) -> bool:
    """Whether a folder is called as versions are: by numbers."""
    return _order(name)[0] == 1


def _order(version: str) -> Order:
    """Numbers by their value, 1.10 after 1.9, and after whatever is not a number."""
    parts = version.removeprefix("v").split(".")
    if all(part.isascii() and part.isdigit() for part in parts):
        return 1, tuple(map(int, parts)), version
    return 0, (), version
