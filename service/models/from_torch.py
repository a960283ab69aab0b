"""PyTorch's own files, made ONNX where PyTorch is installed."""

import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

from service.errors import InvalidModel
from service.inference.runtimes.wording import words_of

EXPORTED = ".pt2"
SUFFIXES = frozenset({EXPORTED, ".pt", ".pth", ".torchscript"})


def is_torch(file: Path) -> bool:
    """Whether *file* is one of PyTorch's, and PyTorch is here to read it."""
    return file.suffix.lower() in SUFFIXES and file.is_file() and find_spec("torch") is not None


def converted(file: Path, folder: Path, row: Mapping[str, Any] | None, *, trust: bool) -> Path:
    """
    Export *file* as ONNX into *folder*, and return where it is.

    An exported program (`.pt2`) knows its inputs; TorchScript is shown a *row*, whose values are
    its inputs in their order. Raises InvalidModel, with what to type, where that cannot be.
    """
    if not trust:
        raise InvalidModel(
            f"{file.name} is PyTorch's, which may run code when it is opened; if you trust it, "
            f"type: add {file.name} --trust"
        )
    made = folder / f"{file.stem}.onnx"
    try:
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            if file.suffix.lower() == EXPORTED:
                _export_program(file, made)
            else:
                _export_script(file, made, row)
    except InvalidModel:
        raise
    except ModuleNotFoundError as error:
        raise InvalidModel(
            f"PyTorch's export to ONNX needs {error.name}; type: {sys.executable} -m pip install "
            f"{error.name}"
        ) from error
    except Exception as error:
        raise InvalidModel(
            f"PyTorch does not export {file.name} to ONNX: {words_of(error)}"
        ) from error
    return made


def _export_program(file: Path, made: Path) -> None:
    import torch  # noqa: PLC0415  # an optional framework

    torch.onnx.export(torch.export.load(file), dynamo=True).save(made)


def _export_script(file: Path, made: Path, row: Mapping[str, Any] | None) -> None:
    import torch  # noqa: PLC0415

    try:
        script = torch.jit.load(file, map_location="cpu").eval()
    except RuntimeError as error:
        raise InvalidModel(
            f"{file.name} holds weights without the model's code; export the model itself: "
            f'torch.onnx.export(model, (example,), "{file.stem}.onnx", dynamo=True, '
            'dynamic_shapes=({0: "batch"},))'
        ) from error
    if not row:
        raise InvalidModel(
            f"{file.name} is TorchScript, which does not say what it takes; show a row: "
            "--example '{\"x\": [0.1, 0.2]}'"
        )
    shown = tuple(torch.tensor([value]) for value in row.values())
    free = {name: {0: "batch"} for name in (*row, "output")}
    torch.onnx.export(
        script, shown, made, input_names=[*row], output_names=["output"], dynamic_axes=free,
        dynamo=False,
    )  # fmt: skip
