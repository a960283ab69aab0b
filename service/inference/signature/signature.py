"""What a model takes and gives, settled once at load from model.toml and the artefact."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from service.errors import InvalidInput, InvalidModel
from service.faults import kind_of
from service.inference.manifest.manifest import Manifest, ModelKind
from service.inference.pictures.decoding import Reserve, unlimited
from service.inference.pictures.recipe import as_the_artefact
from service.inference.protocol.datatypes import BYTES
from service.inference.protocol.description import NamedTensor
from service.inference.signature.answers import AnsweredRow, Naming
from service.inference.signature.columns import build_features, is_column
from service.inference.signature.declared import TensorSpecs, declared_inputs
from service.inference.signature.feature_tensors import FeatureTensors
from service.inference.signature.nested import NestedTensors
from service.inference.signature.pictures import Pictures
from service.inference.signature.question import Question, Reader
from service.inference.signature.rows import FeatureRows
from service.inference.signature.tensor_example import example_request
from service.inference.signature.tensors import (
    PictureTensor,
    PlainTensors,
    TensorReader,
    described_output,
)
from service.inference.tensors import Tensors

# What still fits a sentence.
EXAMPLE_CHARS = 400


@dataclass(frozen=True, kw_only=True)
class Signature:
    """
    A model's kind, what reads a request of that kind, and what names its outputs.

    *reader* takes JSON or a picture, *tensors* the same in the arrays of the Open Inference
    Protocol. *rows* is the reader where features are named, and a row fits a query string.
    *example* is a valid request: the golden one of model.toml, or one made up.
    """

    kind: ModelKind
    inputs: TensorSpecs
    outputs: TensorSpecs
    reader: Reader
    tensors: TensorReader
    rows: FeatureRows | None
    naming: Naming
    example: bytes

    def golden(self) -> Question:
        """Read the example. Raises InvalidInput or what `pictures.decode` does."""
        return self.read(self.example if self.kind == "image" else orjson.loads(self.example))

    @cached_property
    def short_example(self) -> str:
        """The example where it is JSON and fits a sentence, else what stands for it."""
        return _short(self.example)

    @cached_property
    def tensor_example(self) -> bytes:
        """The example as an infer request of the Open Inference Protocol."""
        is_picture = self.kind == "image"
        arrays = {} if is_picture else self.golden().inputs
        features = self.rows.features if self.rows else ()
        zoned = frozenset(feature.name for feature in features if feature.zoned)
        return example_request(self.tensors.inputs, arrays, is_picture=is_picture, zoned=zoned)

    @cached_property
    def short_tensor_example(self) -> str:
        """The same, or what stands for it where it fits no sentence."""
        return _short(self.tensor_example)

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

    def described(self, outputs: Tensors) -> tuple[NamedTensor, ...]:
        """Describe what is answered: as the artefact declares it, else as *outputs* are."""
        inputs = self.tensors.inputs
        is_free = any(-1 in each.shape[1:] or each.datatype == BYTES for each in inputs)
        return tuple(
            described_output(name, array, self.outputs.get(name), is_free=is_free)
            for name, array in self.naming.answered(outputs).items()
        )

    def answers(self, outputs: Tensors) -> list[AnsweredRow]:
        """Put each row of *outputs* in words. Raises ModelFailed."""
        return self.naming.answers(outputs)


def _short(example: bytes) -> str:
    return example.decode() if len(example) <= EXAMPLE_CHARS else "{…}"


def build_signature(
    manifest: Manifest, inputs: TensorSpecs, outputs: TensorSpecs, limit_pixels: int
) -> Signature:
    """
    Settle what *manifest* and the artefact's *inputs* and *outputs* say between them.

    Where the artefact knows no inputs (a class of the user's), model.toml must name them all.
    Raises InvalidModel where one contradicts the other, with both values.
    """
    specs = declared_inputs(manifest, inputs)
    kind = _kind(manifest, specs)
    limit_rows = manifest.serve.queue_rows
    reader: Reader
    tensors: TensorReader
    rows: FeatureRows | None = None
    if kind == "image":
        reader = pictures = _pictures(manifest, specs, limit_pixels)
        tensors = PictureTensor(pictures, limit_rows)
    elif kind == "features":
        reader = rows = build_features(manifest, specs, limit_rows)
        tensors = FeatureTensors(rows, limit_rows)
    else:
        reader = nested = NestedTensors(tuple(specs.values()), limit_rows)
        tensors = PlainTensors(specs, nested, limit_rows)
    built = Signature(
        kind=kind,
        inputs=specs,
        outputs=outputs,
        reader=reader,
        tensors=tensors,
        rows=rows,
        naming=Naming(manifest.name, manifest.outputs, outputs),
        example=_example(manifest, kind, reader),
    )
    _check_example(built)
    return built


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
