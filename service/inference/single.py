"""
One model by itself, presented as a repository of one.

KServe's storage initializer, for one, puts the files of one model into a folder, with no folder
around it that bears its name, and often with no model.toml.
"""

import json
import shutil
from contextlib import suppress
from pathlib import Path

from service.errors import InvalidModel, ServiceError
from service.inference.manifest.file_kinds import platform_of
from service.inference.manifest.reading import MODEL_TOML
from service.inference.repository import is_version, models_in, versions_in
from service.whole_files import write_whole

# What a model's file is called where several files might be it.
STEM = "model"


def is_single(path: Path, name: str) -> bool:
    """Whether *path* is one model: it has a *name*, is a file, or has a model and no folders."""
    if name or path.is_file() or (path / MODEL_TOML).is_file():
        return True
    return not any(models_in(path, lambda *_: None)) and bool(_artefacts(path))


def presented(path: Path, name: str, scratch: Path) -> Path:
    """
    Present the model at *path* under its *name*, in a repository that is made in *scratch*.

    Without a name it is called as its folder or its file is. A folder that has no model.toml, nor
    versions that do, has one file that is the model. Raises InvalidModel where it has none or
    several, and OSError.
    """
    name = name or (path.stem if path.is_file() else path.name)
    repository = scratch / "single"
    repository.mkdir(exist_ok=True)
    place = repository / name
    folder = path.parent if path.is_file() else _model_in(path)
    if (folder / MODEL_TOML).is_file() or versions_in(folder, lambda *_: None):
        if place.is_dir() and not place.is_symlink():  # made while there was no model.toml
            shutil.rmtree(place)
        with suppress(FileExistsError):
            place.symlink_to(folder.absolute(), target_is_directory=True)
        return repository
    if place.is_symlink():
        place.unlink(missing_ok=True)
    artefact = path if path.is_file() else artefact_in(path)
    entries = f'platform = "{platform_of([artefact])}"\nfile = {json.dumps(artefact.name)}\n'
    _link(folder, place, also_folders=folder is path)
    if not _holds(place / MODEL_TOML, entries):  # another worker may have written it
        write_whole(place / MODEL_TOML, entries.encode())
    return repository


def _link(folder: Path, place: Path, *, also_folders: bool) -> None:
    """Let *place* have what is in *folder*, by links, and nothing that is no longer there."""
    place.mkdir(exist_ok=True)
    for link in place.iterdir():
        if link.is_symlink() and not link.exists():
            link.unlink(missing_ok=True)
    for each in folder.iterdir():
        if each.is_file() or (also_folders and not each.name.startswith(".")):
            with suppress(FileExistsError):
                (place / each.name).symlink_to(each.absolute())


def _holds(path: Path, entries: str) -> bool:
    return path.is_file() and path.read_text("utf-8") == entries


def artefact_in(folder: Path) -> Path:
    """Find the file of the model in *folder*. Raises InvalidModel unless there is one."""
    found = _artefacts(folder)
    named = [path for path in found if path.name.startswith(f"{STEM}.")]
    if len(found) > 1 and len(named) != 1:
        listed = ", ".join(path.name for path in found)
        raise InvalidModel(
            f"{folder} has several models: {listed}; name one: WEIR_MODELS={found[0]}"
        )
    if not found:
        platform_of([folder])  # says what a folder of this kind is
    return (named if len(found) > 1 else found)[0]


def _artefacts(folder: Path) -> list[Path]:
    """What may be models in *folder*; code beside another is that one's."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            with suppress(ServiceError):
                found.append((path, platform_of([path])))
    others = [path for path, platform in found if platform != "python"]
    return others or [path for path, _ in found]


def _model_in(path: Path) -> Path:
    """The folder of the one model in *path*: itself, or the only one in it that is no version."""
    inner = [] if (path / MODEL_TOML).is_file() else versions_in(path, lambda *_: None)
    others = [folder for folder in inner if not is_version(folder.name)]
    if others and len(inner) > 1:
        listed = ", ".join(folder.name for folder in inner)
        raise InvalidModel(f"{path.name} has several models, {listed}, and a name for one")
    return others[0] if others else path
