"""What rows as they will be sent (`--data`) tell of a model's columns."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from service.errors import InvalidInput, InvalidModel
from service.inference.runtimes import Runtime
from service.inference.signature.columns import is_column
from service.inference.signature.signature import Signature
from service.inference.tensors import Tensors
from service.models import draft
from service.models.rows_file import Rows

# So many rows are asked, and so many beside the example are compared with it.
ASKED_ROWS, COMPARED_ROWS = 64, 3


def options(platform: str, rows: Rows | None, row: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a runtime is told that makes a table of its columns: an example, and their dtypes."""
    if platform == "sklearn":
        shown = {
            name: {"dtype": column.dtype, "categories": list(column.categories)}
            for name, column in (rows.columns if rows else {}).items()
        }
        return {"example": rows.example if rows else row or {}, "shown": shown}
    return {}


def decided(runtime: Runtime) -> dict[str, dict[str, Any]]:
    """What nothing in the artefact says of its columns, and model.toml therefore has to."""
    found = getattr(runtime, "decided", {})
    return {name: {"dtype": column.dtype} for name, column in found.items() if column.dtype}


def added_to(known: draft.Known, runtime: Runtime, rows: Rows) -> draft.Known:
    """*known*, with what was seen in the columns, and the names of those of a matrix."""
    seen = {name: column.seen for name, column in rows.columns.items() if column.seen}
    specs = list(runtime.inputs.values())
    if len(specs) != 1 or is_column(specs[0]) or len(specs[0].shape) != 2:
        return replace(known, seen=seen)
    wide = specs[0].shape[1]
    if wide not in {-1, len(rows.columns)}:
        raise InvalidModel(
            f"the data has {len(rows.columns)} columns ({', '.join(rows.columns)}), and the model "
            f"takes {wide}; show the columns that are sent, in the model's order"
        )
    return replace(known, seen=seen, features=list(rows.columns))


def example_row(runtime: Runtime, rows: Rows) -> dict[str, Any]:
    """The golden row, of the model's columns. Raises InvalidModel if one is missing."""
    names = _names(runtime, rows)
    return {name: rows.example[name] for name in names}


def others(signature: Signature, rows: Rows | None) -> list[Tensors]:
    """Some further rows as the model takes them, as far as they can be read yet."""
    found = []
    for row in (rows.rows if rows and signature.rows else [])[: COMPARED_ROWS * 10]:
        names = [feature.name for feature in signature.rows.features] if signature.rows else []
        try:
            found.append(signature.read({name: row.get(name) for name in names}).inputs)
        except InvalidInput:
            continue
    return found[: COMPARED_ROWS + 1]


def check_missing(
    rows: Rows, names: Sequence[str], columns: Mapping[str, Mapping[str, Any]]
) -> None:
    """Raise InvalidModel where the data lacks values that the model cannot do without."""
    lacking = [
        name
        for name in names
        if name in rows.columns
        and rows.columns[name].has_missing
        and not columns.get(name, {}).get("optional")
    ]
    if lacking:
        raise InvalidModel(
            f"the data lacks values of {', '.join(lacking)}, and the model answers no row without "
            "them; impute them in the pipeline, or leave such rows out of --data"
        )


def check(signature: Signature, runtime: Runtime, rows: Rows) -> None:
    """Ask the first rows as they will be sent. Raises InvalidModel, naming what is refused."""
    if signature.rows is None:
        return
    names = [feature.name for feature in signature.rows.features]
    sent = [{name: row.get(name) for name in names} for row in rows.rows[:ASKED_ROWS]]
    try:
        question = signature.read({"rows": sent})
        signature.answers(runtime.predict(question.inputs))
    except InvalidInput as error:
        raise InvalidModel(f"a row of the data is no valid request: {error}") from None
    except InvalidModel:
        raise
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InvalidModel(f"the model answers the data's rows with an error: {first}") from error


def _names(runtime: Runtime, rows: Rows) -> list[str]:
    specs = list(runtime.inputs.values())
    if not all(map(is_column, specs)) or not specs:
        return list(rows.columns)
    missing = [spec.name for spec in specs if spec.name not in rows.columns]
    if missing:
        raise InvalidModel(
            f"the data has no column {', '.join(map(repr, missing))}, which the model takes; "
            f"it has {', '.join(rows.columns)}"
        )
    return [spec.name for spec in specs]
