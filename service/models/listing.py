"""`list`: what is in the repository, as its model.toml files say."""

import sys
from pathlib import Path

from service.errors import InvalidModel
from service.inference.manifest.reading import MODEL_TOML, read_manifest


def run(repository: Path) -> None:
    """Print a line for each version of each model."""
    lines = [_line(folder, repository) for folder in folders(repository)]
    if not lines:
        sys.stdout.write(f"no models in {repository}; python -m service.models add FILE\n")
        return
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def folders(repository: Path) -> list[Path]:
    """Find the folder of each version of each model."""
    files = [*repository.glob(f"*/{MODEL_TOML}"), *repository.glob(f"*/*/{MODEL_TOML}")]
    return sorted(file.parent for file in files)


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
