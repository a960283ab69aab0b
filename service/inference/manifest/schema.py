"""The entries that a model.toml may have."""

from typing import Any

import numpy as np
from marshmallow import Schema, ValidationError, fields, post_load, validates_schema
from marshmallow.validate import Length, OneOf, Range

# What each platform's runtime takes besides the artefact.
OPTIONS = {"sklearn": ("allow_pickle", "trusted")}

DTYPES = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64", "string",
)  # fmt: skip
COLUMN_ENTRIES = {"dtype", "minimum", "maximum", "categories", "optional"}


class ScalarsField(fields.Field[Any]):
    """A list of strings, numbers or booleans, each once, all of one sort."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        sorts = {_sort(item) for item in value} if isinstance(value, list) else set()
        if len(sorts) != 1 or None in sorts or len(set(value)) != len(value):
            raise ValidationError("not a list of distinct strings, numbers or booleans")
        return value


class LabelsField(fields.Field[Any]):
    """A list of names, or the name of a file with one a line."""

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
        names = [feature["name"] for feature in said.get("feature", ())]
        if len(set(names)) != len(names):
            raise ValidationError("two features have the same name", "feature")
        if names and COLUMN_ENTRIES & said.keys():
            raise ValidationError("say it of each feature", min(COLUMN_ENTRIES & said.keys()))


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

    @post_load
    def _with_options(self, said: dict[str, Any], **_: Any) -> dict[str, Any]:
        options = {name: said.pop(name) for name in ("allow_pickle", "trusted") if name in said}
        for name in options:
            if name not in OPTIONS.get(said["platform"], ()):
                raise ValidationError(f"platform {said['platform']} has no such option", name)
        return said | {"options": options}


def _sort(value: object) -> str | None:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    return "number" if isinstance(value, int | float) else None
