"""What a model's folder says of itself: its model.toml, as the service uses it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from service.inference.pictures.recipe import ImageRecipe

ModelKind: TypeAlias = Literal["image", "features", "tensor"]
ExecutionKind: TypeAlias = Literal["thread", "process"]


@dataclass(frozen=True, kw_only=True)
class FeatureEntry:
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

    kind: ModelKind | Literal[""]
    column: FeatureEntry
    columns: tuple[FeatureEntry, ...]
    shape: tuple[int, ...]
    image: ImageRecipe | None

    @property
    def dtype(self) -> str:
        """The data type of its array."""
        return self.column.dtype


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
    *memory_mb* is what a model process may hold, None for a share of the container's;
    *rows_per_call* is how many rows the artefact takes, None for any number.
    """

    batch_rows: int
    queue_rows: int
    deadline_ms: int
    execution: ExecutionKind
    memory_mb: int | None
    rows_per_call: int | None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """
    A model's folder, read. Inputs and outputs bear the names that the artefact gives them.

    *options* are what the platform's runtime takes besides; without an *example* one is made up.
    *ignored* are names that a row may have and that the model does not look at.
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
    ignored: tuple[str, ...]
