"""Python files beside an artefact: what the artefact was made with, and cannot hold."""

import sys
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import CodeType, ModuleType
from typing import TypeVar

from service.errors import InvalidModel

Opened = TypeVar("Opened")


class FromSource(SourceFileLoader):
    """
    Compiles the source itself, and writes nothing beside it.

    Python takes what it has compiled for the same where size and second of the source are: of a
    model that was replaced within the second it would serve the old code.
    """

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002  # as importlib has it
        """Compile the file."""
        return self.source_to_code(self.get_data(self.path), self.path)


def beside(artefact: Path) -> list[Path]:
    """The Python files that stand beside *artefact*."""
    return sorted(path for path in artefact.parent.glob("*.py") if path != artefact)


def let_import(artefact: Path) -> None:
    """Let what stands beside *artefact* be imported by its name."""
    folder = str(artefact.parent)
    if folder not in sys.path:
        sys.path.append(folder)


def imported(path: Path, name: str) -> ModuleType:
    """Import the file *path* as the module *name*. Raises InvalidModel if it is no Python file."""
    spec = spec_from_loader(name, FromSource(name, str(path)))
    if spec is None or spec.loader is None or path.suffix != ".py":
        raise InvalidModel(f"{path.name} is not a Python file")
    module = sys.modules[name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def of_script(error: BaseException) -> bool:
    """Whether *error* is of something that the script defined which saved the model."""
    main = sys.modules["__main__"]
    return any(name in str(error) for name in ("'__main__'", "'__mp_main__'", repr(main)))


def opened_with(artefact: Path, load: Callable[[], Opened]) -> Opened:
    """
    Return what *load* does, which may name classes of the script that saved *artefact*.

    A pickle calls that script `__main__`. If a file beside defines what is missing there, it is
    taken from that file.
    """
    try:
        return load()
    except AttributeError as error:
        if not of_script(error) or not beside(artefact):
            raise
    main = sys.modules["__main__"]
    for path in beside(artefact):
        for name, value in vars(imported(path, path.stem)).items():
            if not name.startswith("__") and not hasattr(main, name):
                setattr(main, name, value)
    return load()
