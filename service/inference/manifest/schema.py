"""The entries that a model.toml may have, and what the service makes of them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from marshmallow import Schema, ValidationError, fields, post_load, validates_schema
from marshmallow.validate import Length, OneOf, Range

from service.errors import InvalidModel
from service.inference.manifest.manifest import (
    ExecutionKind,
    FeatureEntry,
    Input,
    Manifest,
    Output,
    Serve,
)
from service.inference.pictures.decoding import ImageRecipe

# What each platform's runtime takes besides the artefact.
OPTIONS = {"sklearn": ("allow_pickle", "trusted")}

# ONNX Runtime lets go of the interpreter while it runs; the others hold it.
EXECUTIONS: dict[str, ExecutionKind] = {"onnx": "thread"}

# Pictures are large: so many of them wait, and so many go into one call.
PICTURE_ROWS = {"queue_rows": 64, "batch_rows": 16}
ROWS = {"queue_rows": 1024, "batch_rows": 64}

DTYPES = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64", "string",
)  # fmt: skip
COLUMN_ENTRIES = {"dtype", "minimum", "maximum", "categories", "optional"}
INPUT_ENTRIES = ("kind", "shape", "size", "crop", "feature")


class ScalarsField(fields.Field[Any]):
    """A list of strings, numbers or booleans, each once, all of one sort."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        sorts = {_sort(item) for item in value} if isinstance(value, list) else set()
        if len(sorts) != 1 or None in sorts or len(set(value)) != len(value):
            raise ValidationError("not a list of distinct strings, numbers or booleans")
        return tuple(value)


class LabelsField(fields.Field[Any]):
    """A list of names, or the name of a file beside the model with one a line."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if isinstance(value, str) and value:
            return value
        if isinstance(value, list) and value and all(isinstance(name, str) for name in value):
            return value
        raise ValidationError("not a list of names, nor the name of a file with one a line")


class ColumnSchema(Schema):
    """What may be said of a feature."""

    dtype = fields.String(validate=OneOf(DTYPES))
    minimum = fields.Float()
    maximum = fields.Float()
    categories = ScalarsField()
    optional = fields.Boolean(truthy={True}, falsy={False})
    description = fields.String()

    @validates_schema
    def _is_a_range(self, said: dict[str, Any], **_: Any) -> None:
        if said.get("minimum", -np.inf) > said.get("maximum", np.inf):
            raise ValidationError(f"{said['minimum']} is more than the maximum", "minimum")
        if "categories" in said and {"minimum", "maximum"} & said.keys():
            raise ValidationError("a feature has a range or categories, not both", "categories")


class FeatureSchema(ColumnSchema):
    """One of the features of a matrix."""

    name = fields.String(required=True, validate=Length(1))

    @post_load
    def _entry(self, said: dict[str, Any], **_: Any) -> FeatureEntry:
        return FeatureEntry(**said)


class InputSchema(ColumnSchema):
    """An input: a picture, a matrix of features, one feature, or a tensor."""

    kind = fields.String(validate=OneOf(["image", "features", "tensor"]))
    shape = fields.List(fields.Integer(strict=True, validate=Range(-1)), validate=Length(1))
    size = fields.List(
        fields.Integer(strict=True, validate=Range(1, 4096)), validate=Length(equal=2)
    )
    crop = fields.Float(validate=Range(0, 1, min_inclusive=False))
    feature = fields.List(fields.Nested(FeatureSchema), validate=Length(1))

    @validates_schema
    def _is_of_one_kind(self, said: dict[str, Any], **_: Any) -> None:
        if (said.get("kind") == "image") is not ("size" in said):
            raise ValidationError('goes with kind = "image"', "size")
        if "crop" in said and "size" not in said:
            raise ValidationError('goes with kind = "image"', "crop")
        if "feature" in said and said.get("kind", "features") != "features":
            raise ValidationError('goes with kind = "features"', "feature")

    @validates_schema
    def _names_each_feature_once(self, said: dict[str, Any], **_: Any) -> None:
        names = [feature.name for feature in said.get("feature", ())]
        if len(set(names)) != len(names):
            raise ValidationError("two features have the same name", "feature")
        if names and COLUMN_ENTRIES & said.keys():
            raise ValidationError("say it of each feature", min(COLUMN_ENTRIES & said.keys()))

    @post_load
    def _input(self, said: dict[str, Any], **_: Any) -> Input:
        """The input; its name is a key in model.toml, and added there."""
        own = {name: said.pop(name) for name in INPUT_ENTRIES if name in said}
        size = own.get("size")
        return Input(
            kind=own.get("kind", ""),
            column=FeatureEntry(name="", **said),
            columns=tuple(own.get("feature", ())),
            shape=tuple(own.get("shape", ())),
            image=ImageRecipe(size=(size[0], size[1]), crop=own.get("crop", 1.0)) if size else None,
        )


class OutputSchema(Schema):
    """An output that is answered."""

    labels = LabelsField(load_default=())
    top = fields.Integer(strict=True, load_default=None, validate=Range(1, 100))


class ServeSchema(Schema):
    """How the model is served."""

    batch_rows = fields.Integer(strict=True, validate=Range(1, 100_000))
    queue_rows = fields.Integer(strict=True, validate=Range(1, 100_000))
    deadline_ms = fields.Integer(strict=True, load_default=10_000, validate=Range(1, 3_600_000))
    execution = fields.String(validate=OneOf(["thread", "process"]))
    memory_mb = fields.Integer(strict=True, load_default=None, validate=Range(16, 1 << 20))


class ExampleSchema(Schema):
    """The golden request."""

    file = fields.String(required=True)


class ManifestSchema(Schema):
    """A whole model.toml."""

    platform = fields.String(required=True, validate=OneOf(["onnx", "sklearn", "keras", "python"]))
    version = fields.String(load_default="1", validate=Length(1, 40))
    file = fields.String(required=True)
    description = fields.String(load_default="")
    license = fields.String(load_default="")
    source = fields.String(load_default="")
    allow_pickle = fields.Boolean(truthy={True}, falsy={False})
    trusted = fields.List(fields.String())
    input = fields.Dict(fields.String(), fields.Nested(InputSchema), load_default=dict)
    output = fields.Dict(fields.String(), fields.Nested(OutputSchema), load_default=dict)
    serve = fields.Nested(ServeSchema, load_default=lambda: ServeSchema().load({}))
    example = fields.Nested(ExampleSchema, load_default=None)

    def __init__(self, folder: Path) -> None:
        """Files are named as they are called in *folder*."""
        super().__init__()
        self._folder = folder

    @post_load
    def _manifest(self, said: dict[str, Any], **_: Any) -> Manifest:
        said["options"] = self._options(said)
        said["artefact"] = self._beside(said.pop("file"))
        said["example"] = said["example"] and self._beside(said["example"]["file"])
        inputs = {
            name: replace(entry, column=replace(entry.column, name=name))
            for name, entry in said.pop("input").items()
        }
        outputs = {name: self._output(**entry) for name, entry in said.pop("output").items()}
        said["serve"] = _serve(said["serve"], said["platform"], inputs)
        return Manifest(name=self._folder.name, inputs=inputs, outputs=outputs, **said)

    def _options(self, said: dict[str, Any]) -> dict[str, Any]:
        known = ("allow_pickle", "trusted")
        options: dict[str, Any] = {name: said.pop(name) for name in known if name in said}
        for name in options:
            if name not in OPTIONS.get(said["platform"], ()):
                raise ValidationError(f"platform {said['platform']} has no such option", name)
        return options

    def _output(self, labels: Any, top: int | None) -> Output:
        if isinstance(labels, str):
            labels = self._beside(labels).read_text("utf-8").splitlines()
        return Output(labels=tuple(labels), top=top)

    def _beside(self, name: str) -> Path:
        path = self._folder / name
        if path.parent != self._folder or not path.is_file():
            raise InvalidModel(
                f"{self._folder.name}/model.toml names {name!r}, "
                "and there is no such file beside it"
            )
        return path


def _serve(said: dict[str, Any], platform: str, inputs: dict[str, Input]) -> Serve:
    rows = PICTURE_ROWS if any(entry.kind == "image" for entry in inputs.values()) else ROWS
    return Serve(**{"execution": EXECUTIONS.get(platform, "process")} | rows | said)


def _sort(value: object) -> str | None:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    return "number" if isinstance(value, int | float) else None
