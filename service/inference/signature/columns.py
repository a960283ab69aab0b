"""Which features the columns of a model's inputs are: what model.toml and the artefact say."""

from collections.abc import Mapping
from math import prod

from service.errors import InvalidModel
from service.inference.manifest.manifest import FeatureEntry, Input, Manifest
from service.inference.signature.feature import Feature, kind_of_dtype
from service.inference.signature.rows import FeatureRows, Part
from service.inference.tensors import DATETIME, TensorSpec, dtype_called


def is_column(spec: TensorSpec) -> bool:
    """Whether the input is one column: [n] or [n, 1]."""
    return len(spec.shape) == 1 or (len(spec.shape) == 2 and spec.shape[1] == 1)


def build_features(
    manifest: Manifest, specs: Mapping[str, TensorSpec], limit_rows: int
) -> FeatureRows:
    """Find what each column is called and may hold. Raises InvalidModel for contradictions."""
    features: list[Feature] = []
    parts = []
    for name, spec in specs.items():
        entry = manifest.inputs.get(name)
        own = _features_of(spec, entry)
        start = len(features)
        features += own
        shape = (-1, *spec.shape[1:]) if len(own) == 1 else (-1, len(own))
        parts.append(Part(name, spec.datatype, shape, start, len(features)))
    names = [feature.name for feature in features]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidModel(f"two inputs have features of the same name: {twice}")
    return FeatureRows(features, parts, limit_rows, ignored=manifest.ignored)


def _features_of(spec: TensorSpec, entry: Input | None) -> list[Feature]:
    wide = prod(spec.shape[1:])
    if entry and entry.columns:
        named = tuple(column.name for column in entry.columns)
        if wide not in {len(named), -1} or len(spec.shape) != 2:
            raise InvalidModel(
                f"model.toml gives input {spec.name!r} {len(named)} features, "
                f"the artefact's has shape {list(spec.shape)}"
            )
        if spec.columns and named != spec.columns:
            raise InvalidModel(
                f"model.toml names the features {list(named)}, the artefact {list(spec.columns)}"
            )
        return [_feature(column, spec) for column in entry.columns]
    if spec.columns:
        return [_feature(FeatureEntry(name=name), spec) for name in spec.columns]
    if not is_column(spec):
        raise InvalidModel(f"input {spec.name!r} has {wide} columns: name each in model.toml")
    return [_feature(entry.column if entry else FeatureEntry(name=spec.name), spec)]


def _feature(column: FeatureEntry, spec: TensorSpec) -> Feature:
    """One feature. Raises InvalidModel where what is said of it cannot be."""
    known = spec.categories
    categories = column.categories or known
    strange = [value for value in categories if known and value not in known]
    if strange:
        raise InvalidModel(
            f"model.toml gives {column.name!r} the categories {strange}, "
            f"the artefact knows {list(known)}"
        )
    own = column.dtype or spec.said_as or spec.datatype.name
    kind = kind_of_dtype(dtype_called(own))
    if categories and spec.datatype.kind == "O":
        kind = "string" if isinstance(categories[0], str) else "number"
    feature = Feature(
        name=column.name,
        kind=kind,
        dtype=spec.datatype,
        minimum=column.minimum,
        maximum=column.maximum,
        categories=categories,
        optional=column.optional,
        description=column.description,
        zoned=own.startswith(f"{DATETIME}["),
        takes_booleans=spec.takes_booleans and not column.dtype,
    )
    _check_feature(feature)
    return feature


def _check_feature(feature: Feature) -> None:
    stored = kind_of_dtype(feature.dtype)
    if "datetime" in {stored, feature.kind} and stored != feature.kind:
        raise InvalidModel(f"{feature.name!r} is a {feature.kind}, its input is {feature.dtype}")
    if stored != "string" and feature.kind == "string":
        raise InvalidModel(f"{feature.name!r} is a string, and its input is {feature.dtype}")
    if feature.kind not in {"number", "integer"} and (feature.minimum, feature.maximum) != (
        None,
        None,
    ):
        raise InvalidModel(f"{feature.name!r} is a {feature.kind} and has no range")
    if feature.optional and feature.dtype.kind not in "fOM":
        raise InvalidModel(
            f"{feature.name!r} is optional, and its input is {feature.dtype}, which has no null"
        )
    if feature.categories and not feature.is_plain(feature.categories):
        raise InvalidModel(f"the categories of {feature.name!r} are not of kind {feature.kind}")
