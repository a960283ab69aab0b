"""What a model's folder says of itself, read from its model.toml."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from marshmallow import ValidationError

from service.errors import InvalidModel
from service.inference.manifest.schema import ManifestSchema
from service.inference.pictures.decoding import ImageRecipe

FILE = "model.toml"

# Pictures are large: so many of them wait, and so many go into one call.
PICTURE_QUEUE_ROWS, PICTURE_BATCH_ROWS = 64, 16
QUEUE_ROWS, BATCH_ROWS = 1024, 64

Kind: TypeAlias = Literal["image", "features", "tensor"]
Execution: TypeAlias = Literal["thread", "process"]

# ONNX Runtime lets go of the interpreter while it runs; the others hold it.
EXECUTIONS: dict[str, Execution] = {"onnx": "thread"}


@dataclass(frozen=True, kw_only=True)
class Column:
    """What model.toml says of one feature; an empty *dtype* is the artefact's."""

    name: str
    dtype: str = ""
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[Any, ...] = ()
    optional: bool = False
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class Input:
    """
    What model.toml says of one input.

    *columns* are the features of a matrix; an input that is a feature itself is described by
    *column*. An empty *kind*, *dtype* or *shape* is left to the artefact.
    """

    kind: Kind | Literal[""]
    column: Column
    columns: tuple[Column, ...]
    dtype: str
    shape: tuple[int, ...]
    image: ImageRecipe | None


@dataclass(frozen=True, kw_only=True)
class Output:
    """An output whose columns have names; *top* is how many of the best an answer lists."""

    labels: tuple[str, ...]
    top: int | None


@dataclass(frozen=True, kw_only=True)
class Serve:
    """
    How the model is served.

    *batch_rows* go into one call at most, *queue_rows* may wait and bound one request's rows;
    *memory_mb* is what a model process may hold, None for a share of the container's.
    """

    batch_rows: int
    queue_rows: int
    deadline_ms: int
    execution: Execution
    memory_mb: int | None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """
    A model's folder, read. Inputs and outputs bear the names that the artefact gives them.

    *options* are what the platform's runtime takes besides; without an *example* one is made up.
    """

    name: str
    version: str
    platform: str
    artefact: Path
    description: str
    license: str
    source: str
    inputs: dict[str, Input]
    outputs: dict[str, Output]
    serve: Serve
    example: Path | None
    options: dict[str, Any]


def read(folder: Path) -> Manifest:
    """Read *folder*/model.toml. Raises InvalidModel saying which entry is wrong, and why."""
    try:
        told = ManifestSchema().load(tomllib.loads((folder / FILE).read_text("utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidModel(f"{folder.name}/{FILE} cannot be read: {error}") from None
    except ValidationError as error:
        raise InvalidModel(f"{folder.name}/{FILE}: {_listed(error.messages)}") from None
    example = told["example"]
    return Manifest(
        name=folder.name,
        version=told["version"],
        platform=told["platform"],
        artefact=_beside(folder, told["file"]),
        description=told["description"],
        license=told["license"],
        source=told["source"],
        inputs={name: _input(name, said) for name, said in told["input"].items()},
        outputs={name: _output(folder, said) for name, said in told["output"].items()},
        serve=_serve(told),
        example=_beside(folder, example["file"]) if example else None,
        options=told["options"],
    )


def _input(name: str, said: dict[str, Any]) -> Input:
    size, kind = said.get("size"), said.get("kind", "")
    own = ("kind", "shape", "size", "crop", "feature")
    column = {key: value for key, value in said.items() if key not in own}
    return Input(
        kind=kind,
        column=_column(column | {"name": name}),
        columns=tuple(map(_column, said.get("feature", ()))),
        dtype=said.get("dtype", ""),
        shape=tuple(said.get("shape", ())),
        image=ImageRecipe(size=(size[0], size[1]), crop=said.get("crop", 1.0)) if size else None,
    )


def _column(said: dict[str, Any]) -> Column:
    return Column(**said | {"categories": tuple(said.get("categories", ()))})


def _output(folder: Path, said: dict[str, Any]) -> Output:
    labels = said["labels"]
    if isinstance(labels, str):
        labels = _beside(folder, labels).read_text("utf-8").splitlines()
    return Output(labels=tuple(labels), top=said["top"])


def _serve(told: dict[str, Any]) -> Serve:
    said = told["serve"]
    pictures = any(entry.get("kind") == "image" for entry in told["input"].values())
    batch_rows = PICTURE_BATCH_ROWS if pictures else BATCH_ROWS
    queue_rows = PICTURE_QUEUE_ROWS if pictures else QUEUE_ROWS
    return Serve(
        batch_rows=said.get("batch_rows", batch_rows),
        queue_rows=said.get("queue_rows", queue_rows),
        deadline_ms=said["deadline_ms"],
        execution=said.get("execution", EXECUTIONS.get(told["platform"], "process")),
        memory_mb=said["memory_mb"],
    )


def _beside(folder: Path, name: str) -> Path:
    path = folder / name
    if path.parent != folder or not path.is_file():
        raise InvalidModel(
            f"{folder.name}/{FILE} names {name!r}, and there is no such file beside it"
        )
    return path


def _listed(messages: Any, under: str = "") -> str:
    """Marshmallow's nested messages as `serve.queue_rows: …; input.X.kind: …`."""
    if isinstance(messages, dict):
        return "; ".join(_listed(said, _step(under, name)) for name, said in messages.items())
    said = " ".join(map(str, messages)) if isinstance(messages, list) else str(messages)
    return f"{under}: {said}"


def _step(under: str, name: object) -> str:
    if name in {"_schema", "key", "value"}:
        return under
    return f"{under}.{name}" if under else str(name)
