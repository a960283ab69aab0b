"""The entries that a model.toml may have, and what the service makes of them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
from marshmallow import Schema, ValidationError, fields, post_load
from marshmallow.validate import Length, OneOf, Range

from service.errors import InvalidModel
from service.inference.manifest.input_schema import InputSchema
from service.inference.manifest.manifest import (
    ExecutionKind,
    Input,
    Manifest,
    Output,
    Serve,
)
from service.inference.runtimes import BACKENDS, ROWS_PER_CALL

# What each platform's runtime takes besides the artefact.
OPTIONS = {"sklearn": ("allow_pickle", "trusted"), "keras": ("allow_lambda",)}

# Those whose inputs are columns of a table.
TABULAR = ("sklearn", "xgboost", "lightgbm", "catboost")

# ONNX Runtime lets go of the interpreter while it runs; the others hold it.
EXECUTIONS: dict[str, ExecutionKind] = {"onnx": "thread"}

# Pictures are large: so many of them wait, and so many go into one call.
PICTURE_ROWS = {"queue_rows": 64, "batch_rows": 16}
ROWS = {"queue_rows": 1024, "batch_rows": 64}


class LabelsField(fields.Field[Any]):
    """A list of names, or the name of a file beside the model with one a line."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if isinstance(value, str) and value:
            return value
        if isinstance(value, list) and value and all(isinstance(name, str) for name in value):
            return value
        raise ValidationError("not a list of names, nor the name of a file with one a line")


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
    rows_per_call = fields.Integer(strict=True, load_default=None, validate=Range(1, 100_000))


class ExampleSchema(Schema):
    """The golden request."""

    file = fields.String(required=True)


class ManifestSchema(Schema):
    """A whole model.toml."""

    platform = fields.String(required=True, validate=OneOf(BACKENDS))
    version = fields.String(load_default="1", validate=Length(1, 40))
    file = fields.String(required=True)
    description = fields.String(load_default="")
    license = fields.String(load_default="")
    source = fields.String(load_default="")
    allow_pickle = fields.Boolean(truthy={True}, falsy={False})
    allow_lambda = fields.Boolean(truthy={True}, falsy={False})
    trusted = fields.List(fields.String())
    ignored = fields.List(fields.String(), load_default=())
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
        options = self._options(said)
        said["artefact"] = self._beside(said.pop("file"))
        said["example"] = said["example"] and self._beside(said["example"]["file"])
        inputs = {
            name: replace(entry, column=replace(entry.column, name=name))
            for name, entry in said.pop("input").items()
        }
        said["serve"] = _serve(said["serve"], said["platform"], inputs)
        if said["platform"] in TABULAR:
            known = {"columns": _columns(inputs), "example": _row(said["example"])}
            options |= {name: value for name, value in known.items() if value}
        if said["serve"].rows_per_call:
            options[ROWS_PER_CALL] = said["serve"].rows_per_call
        said["options"], said["ignored"] = options, tuple(said["ignored"])
        outputs = {name: self._output(**entry) for name, entry in said.pop("output").items()}
        return Manifest(name=self._folder.name, inputs=inputs, outputs=outputs, **said)

    def _options(self, said: dict[str, Any]) -> dict[str, Any]:
        known = ("allow_pickle", "trusted", "allow_lambda")
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


def _columns(inputs: dict[str, Input]) -> dict[str, Any]:
    """What is said of each column, as a runtime that makes tables of them takes it."""
    return {
        name: {"dtype": entry.dtype, "categories": list(entry.column.categories)}
        for name, entry in inputs.items()
        if entry.dtype or entry.column.categories
    }


def _row(example: Path | None) -> dict[str, Any]:
    """The first row of the golden request; what is wrong with it is said by who reads it whole."""
    try:
        sent = orjson.loads(example.read_bytes()) if example else None
    except (OSError, orjson.JSONDecodeError):
        return {}
    rows = sent.get("rows") if isinstance(sent, dict) else None
    row = rows[0] if isinstance(rows, list) and rows else sent
    return row if isinstance(row, dict) else {}


def _serve(said: dict[str, Any], platform: str, inputs: dict[str, Input]) -> Serve:
    rows = PICTURE_ROWS if any(entry.kind == "image" for entry in inputs.values()) else ROWS
    return Serve(**{"execution": EXECUTIONS.get(platform, "process")} | rows | said)
