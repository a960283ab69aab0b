"""`list`: what is in the repository, as its model.toml files say."""

import sys
from pathlib import Path

from service.errors import InvalidModel
from service.inference.manifest.reading import read_manifest
from service.inference.repository import models_in
from service.log_text import harmless_lines


def run(repository: Path) -> None:
    """Print a line for each version of each model."""
    lines = [_line(folder, repository) for folder in folders(repository)]
    if not lines:
        sys.stdout.write(f"no models in {repository}; python -m service.models add FILE\n")
        return
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        sys.stdout.write(harmless_lines("  ".join(cells).rstrip()) + "\n")


def folders(repository: Path) -> list[Path]:
    """Find the folder of each version of each model; what cannot be read is told on stderr."""
    return [
        folder for _, versions in models_in(repository, _tell_unreadable) for folder in versions
    ]


def _tell_unreadable(folder: Path, error: OSError) -> None:
    sys.stderr.write(f"{folder}: cannot be read, and is no model: {error.strerror}\n")


def _line(folder: Path, repository: Path) -> tuple[str, str, str, str, str]:
    name, *below = folder.relative_to(repository).parts
    try:
        manifest = read_manifest(folder)
    except InvalidModel as error:
        return name, below[0] if below else "", "", "", f"refused: {error}"
    return (
        name,
        below[0] if below else manifest.version,
        manifest.platform,
        f"{manifest.artefact.stat().st_size / 1e6:.1f} MB",
        manifest.description,
    )
