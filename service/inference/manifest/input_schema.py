"""What a model.toml may say of an input: a picture, a tensor, a column or several."""

import re
from typing import Any, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from marshmallow import Schema, ValidationError, fields, post_load, validates_schema
from marshmallow.validate import Length, OneOf, Range

from service.inference.manifest.manifest import FeatureEntry, Input
from service.inference.pictures.recipe import (
    ChannelOrder,
    ImageRecipe,
    Interpolation,
    Layout,
    Resize,
)

DTYPES = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64", "string", "category",
)  # fmt: skip
DATETIME_DTYPE = re.compile(r"datetime(\[([A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*)\])?")
COLUMN_ENTRIES = {"dtype", "minimum", "maximum", "categories", "optional"}
INPUT_ENTRIES = ("kind", "shape", "feature")
IMAGE_ENTRIES = (
    "size", "crop", "resize", "interpolation", "pad", "channels", "layout", "scale", "mean", "std",
)  # fmt: skip


class ScalarsField(fields.Field[Any]):
    """A list of strings, numbers or booleans, each once, all of one sort."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        sorts = {_sort(item) for item in value} if isinstance(value, list) else set()
        if len(sorts) != 1 or None in sorts or len(set(value)) != len(value):
            raise ValidationError("not a list of distinct strings, numbers or booleans")
        return tuple(value)


def _check_dtype(said: str) -> None:
    dated = DATETIME_DTYPE.fullmatch(said)
    if said not in DTYPES and not dated:
        raise ValidationError(f"not one of {', '.join(DTYPES)}, datetime or datetime[zone]")
    if dated and dated[2]:
        try:
            ZoneInfo(dated[2])
        except (ZoneInfoNotFoundError, ValueError):
            raise ValidationError(f"there is no time zone {dated[2]!r}") from None


class ColumnSchema(Schema):
    """What may be said of a feature."""

    dtype = fields.String(validate=_check_dtype)
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
    resize = fields.String(validate=OneOf(get_args(Resize)))
    interpolation = fields.String(validate=OneOf(get_args(Interpolation)))
    pad = fields.Integer(strict=True, validate=Range(0, 255))
    channels = fields.String(validate=OneOf(get_args(ChannelOrder)))
    layout = fields.String(validate=OneOf(get_args(Layout)))
    scale = fields.Float(validate=Range(0, min_inclusive=False))
    mean = fields.List(fields.Float(), validate=Length(1, 3))
    std = fields.List(fields.Float(validate=Range(0, min_inclusive=False)), validate=Length(1, 3))
    feature = fields.List(fields.Nested(FeatureSchema), validate=Length(1))

    @validates_schema
    def _is_of_one_kind(self, said: dict[str, Any], **_: Any) -> None:
        if (said.get("kind") == "image") is not ("size" in said):
            raise ValidationError('goes with kind = "image"', "size")
        for name in IMAGE_ENTRIES:
            if name in said and "size" not in said:
                raise ValidationError('goes with kind = "image"', name)
        if "crop" in said and said.get("resize", "crop") != "crop":
            raise ValidationError('goes with resize = "crop"', "crop")
        for name in ("mean", "std"):
            channels = 1 if said.get("channels") == "grey" else 3
            if len(said.get(name, [0])) not in {1, channels}:
                raise ValidationError(
                    f"wants one number, or one for each of {channels} channels", name
                )
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
        image = {name: said.pop(name) for name in IMAGE_ENTRIES if name in said}
        for name in image.keys() & {"size", "mean", "std"}:
            image[name] = tuple(image[name])
        if "channels" in image:
            image["order"] = image.pop("channels")
        return Input(
            kind=own.get("kind", ""),
            column=FeatureEntry(name="", **said),
            columns=tuple(own.get("feature", ())),
            shape=tuple(own.get("shape", ())),
            image=ImageRecipe(**image) if image else None,
        )


def _sort(value: object) -> str | None:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    return "number" if isinstance(value, int | float) else None
