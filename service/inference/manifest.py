"""model.toml: what a model's folder says of itself, checked once when the catalog opens."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from marshmallow import Schema, ValidationError, fields
from marshmallow.validate import Length, OneOf, Range

from service.errors import InvalidModel
from service.inference.images import ImageRecipe

FILE = "model.toml"

Execution: TypeAlias = Literal["thread", "process"]

# ONNX Runtime lets go of the interpreter while it runs; the others hold it.
EXECUTIONS: dict[str, Execution] = {"onnx": "thread"}


@dataclass(frozen=True, kw_only=True)
class Output:
    """An output whose columns have names; *top* is how many of the best an answer lists."""

    labels: tuple[str, ...]
    top: int | None


@dataclass(frozen=True, kw_only=True)
class Serve:
    """
    How the model is served.

    *batch_rows* go into one call at most, *queue_rows* may wait; *memory_mb* is what a model
    process may hold, None for a share of the container's.
    """

    batch_rows: int
    queue_rows: int
    deadline_ms: int
    execution: Execution
    memory_mb: int | None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A model's folder, read. Inputs and outputs bear the names that the artefact gives them."""

    name: str
    version: str
    platform: str
    artefact: Path
    description: str
    license: str
    source: str
    input: str
    image: ImageRecipe
    outputs: dict[str, Output]
    serve: Serve
    example: Path
    options: dict[str, Any]


class _InputSchema(Schema):
    kind = fields.String(required=True, validate=OneOf(["image"]))
    size = fields.List(
        fields.Integer(strict=True, validate=Range(1, 4096)),
        required=True,
        validate=Length(equal=2),
    )
    crop = fields.Float(load_default=1.0, validate=Range(0, 1, min_inclusive=False))


class _LabelsField(fields.Field[Any]):
    """A list of names, or the name of a file with one a line."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if isinstance(value, str) and value:
            return value
        if isinstance(value, list) and value and all(isinstance(name, str) for name in value):
            return value
        raise ValidationError("not a list of names, nor the name of a file with one a line")


class _OutputSchema(Schema):
    labels = _LabelsField(required=True)
    top = fields.Integer(strict=True, load_default=None, validate=Range(1, 100))


class _ServeSchema(Schema):
    batch_rows = fields.Integer(strict=True, load_default=16, validate=Range(1, 100_000))
    queue_rows = fields.Integer(strict=True, load_default=64, validate=Range(1, 100_000))
    deadline_ms = fields.Integer(strict=True, load_default=10_000, validate=Range(1, 3_600_000))
    execution = fields.String(load_default=None, validate=OneOf(["thread", "process"]))
    memory_mb = fields.Integer(strict=True, load_default=None, validate=Range(1))


class _ExampleSchema(Schema):
    file = fields.String(required=True)


class _ManifestSchema(Schema):
    platform = fields.String(required=True, validate=OneOf(["onnx", "python"]))
    version = fields.String(load_default="1", validate=Length(1, 40))
    file = fields.String(required=True)
    description = fields.String(load_default="")
    license = fields.String(load_default="")
    source = fields.String(load_default="")
    input = fields.Dict(
        fields.String(), fields.Nested(_InputSchema), required=True, validate=Length(equal=1)
    )
    output = fields.Dict(
        fields.String(), fields.Nested(_OutputSchema), required=True, validate=Length(min=1)
    )
    serve = fields.Nested(_ServeSchema, load_default=lambda: _ServeSchema().load({}))
    example = fields.Nested(_ExampleSchema, required=True)


def read(folder: Path) -> Manifest:
    """Read *folder*/model.toml. Raises InvalidModel saying which entry is wrong, and why."""
    try:
        told = _ManifestSchema().load(tomllib.loads((folder / FILE).read_text("utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidModel(f"{folder.name}/{FILE} cannot be read: {error}") from None
    except ValidationError as error:
        raise InvalidModel(f"{folder.name}/{FILE}: {error.messages}") from None
    ((input_name, image),) = told["input"].items()
    height, width = image["size"]
    return Manifest(
        name=folder.name,
        version=told["version"],
        platform=told["platform"],
        artefact=_beside(folder, told["file"]),
        description=told["description"],
        license=told["license"],
        source=told["source"],
        input=input_name,
        image=ImageRecipe(size=(height, width), crop=image["crop"]),
        outputs={name: _output(folder, said) for name, said in told["output"].items()},
        serve=_serve(told["platform"], told["serve"]),
        example=_beside(folder, told["example"]["file"]),
        options={},
    )


def _serve(platform: str, said: dict[str, Any]) -> Serve:
    usual = EXECUTIONS.get(platform, "process")
    return Serve(**said | {"execution": said["execution"] or usual})


def _output(folder: Path, said: dict[str, Any]) -> Output:
    labels = said["labels"]
    if isinstance(labels, str):
        labels = _beside(folder, labels).read_text("utf-8").splitlines()
    return Output(labels=tuple(labels), top=said["top"])


def _beside(folder: Path, name: str) -> Path:
    path = folder / name
    if path.parent != folder or not path.is_file():
        raise InvalidModel(
            f"{folder.name}/{FILE} names {name!r}, and there is no such file beside it"
        )
    return path
