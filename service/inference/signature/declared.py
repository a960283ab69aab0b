"""The inputs of a model, as its model.toml and its artefact declare them between them."""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from service.errors import InvalidModel
from service.inference.manifest.manifest import Input, Manifest
from service.inference.tensors import TensorSpec, dtype_called

TensorSpecs: TypeAlias = Mapping[str, TensorSpec]


def declared_inputs(manifest: Manifest, inputs: TensorSpecs) -> dict[str, TensorSpec]:
    """
    The inputs as the artefact has them, else as model.toml says.

    Raises InvalidModel where one contradicts the other, with both values.
    """
    if not inputs:
        if not manifest.inputs:
            raise InvalidModel("the artefact does not say what it takes: name it under [input]")
        return {name: _entry_spec(name, entry) for name, entry in manifest.inputs.items()}
    for name, entry in manifest.inputs.items():
        if name not in inputs:
            raise InvalidModel(
                f"model.toml names the input {name!r}, the artefact has {list(inputs)}"
            )
        _agree(name, entry, inputs[name])
    return dict(inputs)


def _entry_spec(name: str, entry: Input) -> TensorSpec:
    if entry.image:
        shape = entry.shape or (-1, *entry.image.shape)
        return TensorSpec(name, np.dtype(entry.dtype or "uint8"), shape)
    strings = any(isinstance(known, str) for known in entry.column.categories)
    dtype = entry.dtype or ("string" if strings else "float64")
    if not strings and entry.column.categories and dtype == "category":
        dtype = "float64"
    shape = entry.shape or ((-1, len(entry.columns)) if entry.columns else (-1,))
    return TensorSpec(name, dtype_called(dtype), shape, said_as=dtype)


def _agree(name: str, entry: Input, spec: TensorSpec) -> None:
    matrix = len(spec.shape) == 2 and spec.shape[1] != 1
    if entry.dtype and not matrix and not _holds(spec, entry.dtype):
        raise InvalidModel(
            f"model.toml's input {name!r} is {entry.dtype}, the artefact's is {spec.datatype.name}"
        )
    if entry.shape and entry.shape != spec.shape:
        raise InvalidModel(
            f"model.toml's input {name!r} has shape {list(entry.shape)}, "
            f"the artefact's has {list(spec.shape)}"
        )


def _holds(spec: TensorSpec, said: str) -> bool:
    """Whether the array has the dtype that model.toml says, or holds all of its values."""
    own = dtype_called(said)
    same_family = own.kind == spec.datatype.kind and own.kind in "OM"
    return same_family or np.can_cast(own, spec.datatype) or said == spec.said_as
