"""A model.toml, written from what an artefact says of itself and what trying it has shown."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from service.inference.pictures.recipe import COUNTS
from service.inference.runtimes import Runtime
from service.inference.signature.columns import is_column
from service.inference.signature.feature import kind_of_dtype
from service.inference.tensors import TensorSpec, dtype_called
from service.models.presets import PRESETS, SIZE, SIZES, WORDS

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")

# More columns than that nobody names by hand.
COLUMNS_TOLD = 30


@dataclass(frozen=True, kw_only=True)
class Known:
    """
    What is known besides the artefact.

    *row* is an example of a row, *columns* what is to be said of columns by name, with a comment
    of what was *seen* in them; *features* name the columns of the one matrix. *image* is a preset
    of pictures and *size* their height and width; *serve* what trying it has shown.
    """

    row: Mapping[str, Any] | None = None
    columns: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seen: Mapping[str, str] = field(default_factory=dict)
    features: Sequence[str] = ()
    image: str | None = None
    size: tuple[int, int] | None = None
    serve: Mapping[str, Any] = field(default_factory=dict)


def write(entries: Mapping[str, Any], runtime: Runtime, known: Known) -> str:
    """Write all of a model.toml but its example; *entries* are what stands at its top."""
    lines = [
        *_entries(**entries),
        *_inputs(runtime, known),
        *_outputs(runtime),
        *(["", "[serve]", *_entries(**known.serve)] if known.serve else []),
    ]
    return "\n".join(lines) + "\n"


def is_of_pictures(runtime: Runtime) -> bool:
    """Whether the one input takes bytes of a picture; only they are surely pixels to 255."""
    specs = list(runtime.inputs.values())
    return (
        len(specs) == 1
        and specs[0].datatype == np.uint8
        and has_pixels(specs[0])
        and min(pixels_of(specs[0])) > 0
    )


def has_pixels(spec: TensorSpec) -> bool:
    """Whether an input could be pictures: [n, height, width, 3] or [n, 3, height, width]."""
    shape = spec.shape
    return len(shape) == 4 and bool({shape[1], shape[3]} & COUNTS)


def pixels_of(spec: TensorSpec) -> tuple[int, int]:
    """Height and width; -1 is of any size."""
    return spec.shape[1:3] if spec.shape[3] in COUNTS else spec.shape[2:4]  # type: ignore[return-value]  # two of them


def example(file: str) -> str:
    """Write the entry that names the golden request."""
    return "\n".join(["", "[example]", *_entries(file=file)]) + "\n"


def _entries(**values: Any) -> Iterator[str]:
    for name, value in values.items():
        yield f"{name} = {_value(value)}"


def _inputs(runtime: Runtime, known: Known) -> Iterator[str]:
    specs = list(runtime.inputs.values()) or _specs_of(known.row or {})
    pictured = is_of_pictures(runtime) or known.image
    featured = all(map(is_column, specs))
    for spec in specs:
        yield ""
        yield f"[input.{_key(spec.name)}]"
        if pictured:
            yield from _picture(spec, known)
        elif featured:
            yield from _column(spec, known, is_known=bool(runtime.inputs))
        elif known.features and len(specs) == 1:
            yield from _matrix(spec, known.features)
        else:
            yield from _tensor(spec, is_known=bool(runtime.inputs))


def _specs_of(row: Mapping[str, Any]) -> list[TensorSpec]:
    """What the values of an example row tell of the inputs."""
    specs = []
    for name, value in row.items():
        array = np.asarray(value)
        kind = array.dtype.kind
        dtype = "bool" if kind == "b" else "object" if kind in "UO" else "float64"
        specs.append(TensorSpec(name, np.dtype(dtype), (-1, *array.shape)))
    return specs


def _picture(spec: TensorSpec, known: Known) -> Iterator[str]:
    usual = SIZES.get(known.image or "", SIZE)
    yield from _entries(kind="image", size=_size(spec, known.size or usual))
    yield from _entries(**PRESETS[known.image or "0-to-255"])


def _size(spec: TensorSpec, wanted: tuple[int, int]) -> list[int]:
    return [own if own > 0 else want for own, want in zip(pixels_of(spec), wanted, strict=True)]


def _column(spec: TensorSpec, known: Known, *, is_known: bool) -> Iterator[str]:
    said = dict(known.columns.get(spec.name, {}))
    kind = kind_of_dtype(dtype_called(spec.said_as) if spec.said_as else spec.datatype)
    if not is_known:
        said.setdefault("dtype", _dtype(spec))
    if spec.categories:
        said.setdefault("categories", list(spec.categories))
    yield from _entries(**said)
    seen = known.seen.get(spec.name)
    if seen:
        yield f"# seen: {_comment(seen)}"
    if "categories" in said:
        return
    if kind == "string" and said.get("dtype") != "bool":
        yield "# categories = []"
    elif kind == "number" and not seen:
        yield "# minimum = 0"
        yield "# maximum = 1"


def _matrix(spec: TensorSpec, features: Sequence[str]) -> Iterator[str]:
    for name in features:
        yield from (f"[[input.{_key(spec.name)}.feature]]", *_entries(name=name))


def _tensor(spec: TensorSpec, *, is_known: bool) -> Iterator[str]:
    yield from _entries(kind="tensor")
    if not is_known:
        yield from _entries(dtype=_dtype(spec), shape=list(spec.shape))
    if len(spec.shape) == 2 and 1 < spec.shape[1] <= COLUMNS_TOLD:
        yield f"# Name its {spec.shape[1]} columns instead, and requests may name them, too:"
        yield f"# [[input.{_key(spec.name)}.feature]]"
        yield '# name = "…"'
    elif has_pixels(spec):
        yield "# To take pictures say this instead, with one of the lines below it:"
        yield f'# kind = "image"\n# size = {_size(spec, SIZE)}'
        for name, preset in PRESETS.items():
            inner = "; ".join(_entries(**preset)) or "nothing more"
            yield f"#   {name} ({WORDS[name]}): {inner}"


def _outputs(runtime: Runtime) -> Iterator[str]:
    left_out = getattr(runtime, "left_out", {})
    for spec in runtime.outputs.values():
        wide = spec.shape[1] if len(spec.shape) == 2 else 0
        named = f"[output.{_key(spec.name)}]"
        if spec.columns:
            yield from ("", named, *_entries(labels=list(spec.columns)))
        elif any(other.columns for other in runtime.outputs.values()):
            yield from ("", named)  # once one is named, only those that are named are answered
        elif wide > 1 and spec.datatype.kind == "f":
            yield from ("", f"# If its {wide} columns are classes:", f"# {named}")
            yield '# labels = ["…"]'
    for why in left_out.values():
        yield f"# Not answered: {_comment(why)}"


def _dtype(spec: TensorSpec) -> str:
    return "string" if spec.datatype.kind == "O" else spec.datatype.name


def _comment(text: str) -> str:
    """What stays on its line."""
    return " ".join(text.split())


def _key(name: str) -> str:
    return name if BARE_KEY.fullmatch(name) else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(_value, value)) + "]"
    # JSON's strings, numbers and booleans are TOML's, but for one control character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", r"\u007f")
