"""Where an added model goes, and how its folder comes there whole."""

import os
import re
import shutil
from pathlib import Path

from service.errors import WrongUsage
from service.inference.manifest.reading import MODEL_TOML


def slug(stem: str) -> str:
    """A name for a model of a file called *stem*."""
    return re.sub(r"[^a-z0-9.]+", "-", stem.lower()).strip("-.") or "model"


def target(repository: Path, name: str, version: str | None) -> Path:
    """Where the folder will be. Raises WrongUsage if something is there."""
    if slug(name) != name or (version and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*", version)):
        raise WrongUsage("name and version are made of letters, digits, dots and hyphens")
    single = repository / name
    if version and (single / MODEL_TOML).exists():
        raise WrongUsage(
            f"{single} holds a model of one version; move its files to {single}/1 first"
        )
    wanted = single / version if version else single
    if wanted.exists():
        raise WrongUsage(
            f"{wanted} is there already; give another --name, or a --version to add it beside"
        )
    return wanted


def put(folder: Path, wanted: Path) -> None:
    """
    Copy *folder* to *wanted*, which is there whole or not at all.

    What is being copied has a hidden name, which no service looks into.
    """
    made_parent = not wanted.parent.exists()
    wanted.parent.mkdir(exist_ok=True)
    coming = wanted.with_name(f".{wanted.name}.{os.getpid()}.adding")
    try:
        shutil.copytree(folder, coming, ignore=shutil.ignore_patterns("__pycache__"))
        coming.rename(wanted)
    except BaseException:
        shutil.rmtree(coming, ignore_errors=True)
        if made_parent:
            wanted.parent.rmdir()
        raise
