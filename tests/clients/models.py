"""A repository for the clients: Weir's two models, words, every datatype, and a table of people."""

import shutil
from pathlib import Path

from tests.conftest import PROJECT

NUMBERS = ["bool", *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64))]
FLOATS = {"fp16": "float16", "fp32": "float32", "fp64": "float64"}

# Features that may be missing, that are dates with an offset, and numbers of a few values.
VISITS = """
[input.city]
dtype = "string"
optional = true
categories = ["Oslo", "Brno"]
[input.when]
dtype = "datetime[Europe/Oslo]"
[input.level]
dtype = "float32"
categories = [0.1, 0.2]
[example]
file = "example.json"
"""
VISIT = '{"city": null, "when": "2026-01-31T12:00:00+01:00", "level": 0.1}'

IDENTITY = """
class Identity:
    def load(self):
        pass

    def predict(self, batch):
        return {NAMES.get(name, name): array for name, array in batch.items()}
"""


def write(repository: Path) -> Path:
    """Make the models in *repository*."""
    for name in ("iris", "cat-or-dog"):
        shutil.copytree(PROJECT / "config/models" / name, repository / name)
    datatypes = {name: name for name in NUMBERS} | FLOATS
    _identity(
        repository / "datatypes",
        "".join(
            f'[input.{name}]\nkind = "tensor"\ndtype = "{dtype}"\nshape = [-1, -1]\n'
            for name, dtype in datatypes.items()
        ),
    )
    text = '[input.text]\nkind = "tensor"\ndtype = "string"\nshape = [-1, 1]\n'
    _identity(repository / "words", text, {"text": "same"})
    _identity(
        repository / "people",
        '[input.age]\ndtype = "float64"\nminimum = 0\n[input.city]\ndtype = "string"\n',
    )
    _identity(repository / "visits", VISITS)
    (repository / "visits/example.json").write_text(VISIT)
    return repository


def _identity(folder: Path, inputs: str, names: dict[str, str] | None = None) -> None:
    """A model that answers what it is sent, its outputs called as *names* say."""
    folder.mkdir()
    code = IDENTITY.replace("NAMES", repr(names or {}))
    (folder / "model.py").write_text(code)
    serve = '[serve]\nexecution = "thread"\n'
    (folder / "model.toml").write_text(f'platform = "python"\nfile = "model.py"\n{inputs}{serve}')
