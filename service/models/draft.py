"""A model.toml, written from what an artefact says of itself."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from service.inference.runtimes import Runtime
from service.inference.signature.columns import is_column
from service.inference.signature.feature import kind_of_dtype
from service.inference.tensors import TensorSpec

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")

# More columns than that nobody names by hand.
COLUMNS_TOLD = 30


def write(entries: Mapping[str, Any], runtime: Runtime, row: Mapping[str, Any] | None) -> str:
    """
    Write all of a model.toml but its example; *entries* are what stands at its top.

    *row* is an example of a row; it tells the inputs of an artefact that does not know its own.
    """
    lines = [
        *_entries(**entries),
        *_inputs(runtime, row),
        *_outputs(runtime),
    ]
    return "\n".join(lines) + "\n"


def is_of_pictures(runtime: Runtime) -> bool:
    """Whether the one input takes bytes of a picture; only they are surely pixels to 255."""
    specs = list(runtime.inputs.values())
    return len(specs) == 1 and specs[0].datatype == np.uint8 and _has_pixels(specs[0])


def example(file: str) -> str:
    """Write the entry that names the golden request."""
    return "\n".join(["", "[example]", *_entries(file=file)]) + "\n"


def _entries(**values: Any) -> Iterator[str]:
    for name, value in values.items():
        yield f"{name} = {_value(value)}"


def _inputs(runtime: Runtime, row: Mapping[str, Any] | None) -> Iterator[str]:
    specs = list(runtime.inputs.values()) or _specs_of(row or {})
    pictured = is_of_pictures(runtime)
    featured = all(map(is_column, specs))
    for spec in specs:
        yield ""
        yield f"[input.{_key(spec.name)}]"
        if pictured:
            yield from _entries(kind="image", size=list(spec.shape[1:3]))
        elif featured:
            yield from _column(spec, known=bool(runtime.inputs))
        else:
            yield from _tensor(spec, known=bool(runtime.inputs))


def _specs_of(row: Mapping[str, Any]) -> list[TensorSpec]:
    """What the values of an example row tell of the inputs."""
    specs = []
    for name, value in row.items():
        array = np.asarray(value)
        kind = array.dtype.kind
        dtype = "bool" if kind == "b" else "object" if kind in "UO" else "float64"
        specs.append(TensorSpec(name, np.dtype(dtype), (-1, *array.shape)))
    return specs


def _has_pixels(spec: TensorSpec) -> bool:
    shape = spec.shape
    return len(shape) == 4 and shape[3] in {1, 3} and min(shape[1:3]) > 0


def _column(spec: TensorSpec, *, known: bool) -> Iterator[str]:
    kind = kind_of_dtype(spec.datatype)
    if not known:
        yield from _entries(dtype=_dtype(spec))
    if spec.categories:
        yield from _entries(categories=list(spec.categories))
    elif kind == "string":
        yield "# categories = []"
    elif kind != "boolean":
        yield "# minimum = 0"
        yield "# maximum = 1"


def _tensor(spec: TensorSpec, *, known: bool) -> Iterator[str]:
    yield from _entries(kind="tensor")
    if not known:
        yield from _entries(dtype=_dtype(spec), shape=list(spec.shape))
    if len(spec.shape) == 2 and 1 < spec.shape[1] <= COLUMNS_TOLD:
        yield f"# Name its {spec.shape[1]} columns instead, and requests may name them, too:"
        yield f"# [[input.{_key(spec.name)}.feature]]"
        yield '# name = "…"'
    elif _has_pixels(spec):
        yield "# To take pictures, as numbers from 0 to 255, say instead:"
        yield f'# kind = "image"\n# size = {list(spec.shape[1:3])}'


def _outputs(runtime: Runtime) -> Iterator[str]:
    for spec in runtime.outputs.values():
        wide = spec.shape[1] if len(spec.shape) == 2 else 0
        if not spec.columns and (wide < 2 or spec.datatype.kind != "f"):
            continue
        named = f"[output.{_key(spec.name)}]"
        if spec.columns:
            yield from ("", named, *_entries(labels=list(spec.columns)))
        else:
            yield from ("", f"# If its {wide} columns are classes:", f"# {named}")
            yield '# labels = ["…"]'


def _dtype(spec: TensorSpec) -> str:
    return "string" if spec.datatype.kind == "O" else spec.datatype.name


def _key(name: str) -> str:
    return name if BARE_KEY.fullmatch(name) else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(_value, value)) + "]"
    # JSON's strings, numbers and booleans are TOML's, but for one control character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", r"\u007f")
