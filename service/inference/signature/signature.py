"""What a model takes and gives, settled once at load from model.toml and the artefact."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import orjson

from service.errors import InvalidInput, InvalidModel
from service.faults import kind_of
from service.inference.manifest.manifest import Input, Manifest, ModelKind
from service.inference.pictures.decoding import Reserve, unlimited
from service.inference.pictures.recipe import as_the_artefact
from service.inference.signature.answers import AnsweredRow, Naming
from service.inference.signature.columns import build_features, is_column
from service.inference.signature.nested import NestedTensors
from service.inference.signature.pictures import Pictures
from service.inference.signature.question import Question, Reader
from service.inference.signature.rows import FeatureRows
from service.inference.tensors import Tensors, TensorSpec, dtype_called

# What still fits a sentence.
EXAMPLE_CHARS = 400

TensorSpecs: TypeAlias = Mapping[str, TensorSpec]


@dataclass(frozen=True, kw_only=True)
class Signature:
    """
    A model's kind, what reads a request of that kind, and what names its outputs.

    *rows* is the reader where features are named, and a row fits a query string. *example* is a
    valid request: the golden one of model.toml, or one made up.
    """

    kind: ModelKind
    inputs: TensorSpecs
    outputs: TensorSpecs
    reader: Reader
    rows: FeatureRows | None
    naming: Naming
    example: bytes

    def golden(self) -> Question:
        """Read the example. Raises InvalidInput or what `pictures.decode` does."""
        return self.read(self.example if self.kind == "image" else orjson.loads(self.example))

    @cached_property
    def short_example(self) -> str:
        """The example where it is JSON and fits a sentence, else what stands for it."""
        return self.example.decode() if len(self.example) <= EXAMPLE_CHARS else "{…}"

    def made_up(self, free_sizes: Sequence[int], words: Sequence[str] = ()) -> Iterator[bytes]:
        """
        Requests that are valid: of each of *free_sizes*, where any size is, zeros and ones.

        Features that are strings are each of the *words*.
        """
        if self.rows:
            yield from map(orjson.dumps, self.rows.made_up(words))
            return
        if not isinstance(self.reader, NestedTensors):
            yield orjson.dumps(self.reader.example())
            return
        has_free = any(-1 in spec.shape[1:] for spec in self.inputs.values())
        for size in free_sizes if has_free else (1,):
            for fill in (0, 1, None):
                yield orjson.dumps(self.reader.example(size, fill))

    def read(self, sent: Any, reserve: Reserve = unlimited) -> Question:
        """Read what `Reader.read` does. Raises InvalidInput with the example."""
        return self._with_example(self.reader.read, sent, reserve)

    def read_query(self, rows: FeatureRows, pairs: Iterable[tuple[str, str]]) -> Question:
        """Read the parameters of a query or a form as one of *rows*. Raises like `read`."""
        return self._with_example(rows.read_query, pairs)

    def _with_example(self, read: Callable[..., Question], *sent: Any) -> Question:
        try:
            return read(*sent)
        except InvalidInput as error:
            error.example = self.example
            raise

    def answers(self, outputs: Tensors) -> list[AnsweredRow]:
        """Put each row of *outputs* in words. Raises ModelFailed."""
        return self.naming.answers(outputs)


def build_signature(
    manifest: Manifest, inputs: TensorSpecs, outputs: TensorSpecs, limit_pixels: int
) -> Signature:
    """
    Settle what *manifest* and the artefact's *inputs* and *outputs* say between them.

    Where the artefact knows no inputs (a class of the user's), model.toml must name them all.
    Raises InvalidModel where one contradicts the other, with both values.
    """
    specs = _specs(manifest, inputs)
    kind = _kind(manifest, specs)
    limit_rows = manifest.serve.queue_rows
    reader: Reader
    rows: FeatureRows | None = None
    if kind == "image":
        reader = _pictures(manifest, specs, limit_pixels)
    elif kind == "features":
        reader = rows = build_features(manifest, specs, limit_rows)
    else:
        reader = NestedTensors(tuple(specs.values()), limit_rows)
    built = Signature(
        kind=kind,
        inputs=specs,
        outputs=outputs,
        reader=reader,
        rows=rows,
        naming=Naming(manifest.name, manifest.outputs, outputs),
        example=_example(manifest, kind, reader),
    )
    _check_example(built)
    return built


def _specs(manifest: Manifest, inputs: TensorSpecs) -> dict[str, TensorSpec]:
    """The inputs as the artefact has them, else as model.toml says."""
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


def _kind(manifest: Manifest, specs: TensorSpecs) -> ModelKind:
    said = manifest.inputs.values()
    kinds = {entry.kind or "features" for entry in said if entry.kind or entry.columns}
    if len(kinds) > 1:
        raise InvalidModel(
            f"model.toml gives inputs of kinds {sorted(kinds)}; a model has one kind"
        )
    if kinds:
        return kinds.pop()
    named = [spec.columns or is_column(spec) for spec in specs.values()]
    return "features" if all(named) else "tensor"


def _pictures(manifest: Manifest, specs: TensorSpecs, limit_pixels: int) -> Pictures:
    if len(specs) != 1:
        raise InvalidModel(f"a model of pictures has one input, the artefact has {list(specs)}")
    ((name, spec),) = specs.items()
    recipe = manifest.inputs[name].image
    if recipe is None:
        raise InvalidModel(f"model.toml gives input {name!r} no size")
    recipe = as_the_artefact(recipe, spec.shape)
    fits = len(spec.shape) == 4 and all(
        own in {-1, want} for own, want in zip(spec.shape[1:], recipe.shape, strict=True)
    )
    if not fits or spec.datatype.kind not in "uf":
        raise InvalidModel(
            f"model.toml's input {name!r} is a picture of {recipe.shape} numbers, "
            f"the artefact's is {spec.datatype} {spec.shape[1:]}"
        )
    if spec.datatype.kind == "u" and recipe.is_scaled:
        raise InvalidModel(
            f"model.toml scales the pictures of input {name!r}, the artefact takes bytes"
        )
    return Pictures(spec, recipe, limit_pixels)


def _example(manifest: Manifest, kind: ModelKind, reader: Reader) -> bytes:
    """The golden request; of a JSON one, as short as it can be written."""
    if manifest.example is None:
        return orjson.dumps(reader.example())
    if kind == "image":
        return manifest.example.read_bytes()
    try:
        request = orjson.loads(manifest.example.read_bytes())
    except orjson.JSONDecodeError as error:
        raise InvalidModel(f"{manifest.example.name} is not valid JSON: {error}") from None
    if not isinstance(request, dict):
        raise InvalidModel(f"{manifest.example.name} is {kind_of(request)}, not an object")
    return orjson.dumps(request)


def _check_example(signature: Signature) -> None:
    try:
        signature.golden()
    except InvalidInput as error:
        raise InvalidModel(f"the example is no valid request: {error}") from None
