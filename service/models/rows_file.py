"""`--data`: a few rows as they will be sent, from a CSV, Parquet or JSON file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from service.errors import InvalidModel, WrongUsage

# As many rows as tell what a column holds.
ROWS = 10_000
CATEGORIES_TOLD = 20

# A date, alone or with a time, as ISO 8601 writes it.
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?")


@dataclass(frozen=True)
class DataColumn:
    """
    What the rows show of one column.

    *dtype* is as model.toml has it, empty where the values could be of several. *seen* is the
    range or the values, for a comment. *categories* where the file itself declares them.
    """

    dtype: str
    has_missing: bool
    seen: str
    categories: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Rows:
    """The rows as JSON has them, missing values as null, and what they show of each column."""

    rows: list[dict[str, Any]]
    columns: Mapping[str, DataColumn]

    @property
    def example(self) -> dict[str, Any]:
        """The row that lacks least."""
        return min(self.rows, key=lambda row: sum(value is None for value in row.values()))


def read(path: Path) -> Rows:
    """Read the rows. Raises WrongUsage for what is no such file, InvalidModel for what is in it."""
    if not path.is_file():
        raise WrongUsage(f"there is no file {path}")
    try:
        import pandas as pd  # noqa: PLC0415  # an optional library
    except ModuleNotFoundError:
        raise InvalidModel("--data needs pandas; type: make install-sklearn") from None
    try:
        frame = _frame(pd, path).head(ROWS)
    except ImportError:
        raise InvalidModel(
            "--data needs pyarrow to read Parquet; type: .venv/bin/python -m pip install pyarrow, "
            "or show the rows as CSV"
        ) from None
    except (ValueError, KeyError, OSError, pd.errors.ParserError) as error:
        first = str(error).strip().splitlines() or [type(error).__name__]
        raise InvalidModel(f"{path.name} cannot be read as rows: {first[0]}") from None
    if frame.empty:
        raise InvalidModel(f"{path.name} has no rows")
    frame.columns = [str(name) for name in frame.columns]
    columns = {name: _column(pd, frame[name]) for name in frame.columns}
    return Rows([_row(pd, row) for row in frame.to_dict("records")], columns)


def _frame(pd: Any, path: Path) -> Any:
    suffix = path.suffix.lower()
    if suffix in {".parquet", ".pq"}:
        return pd.read_parquet(path)
    if suffix in {".csv", ".tsv"}:
        return pd.read_csv(path, sep="\t" if suffix == ".tsv" else ",", nrows=ROWS)
    if suffix in {".jsonl", ".ndjson"}:
        return pd.DataFrame([orjson.loads(line) for line in path.read_bytes().splitlines() if line])
    if suffix == ".json":
        return _of_json(pd, path)
    raise WrongUsage(f"--data {path.name}: show rows as .csv, .tsv, .parquet, .json or .jsonl")


def _of_json(pd: Any, path: Path) -> Any:
    held = orjson.loads(path.read_bytes())
    if isinstance(held, dict) and isinstance(held.get("rows"), list):
        held = held["rows"]
    if isinstance(held, dict) and not any(isinstance(v, (dict, list)) for v in held.values()):
        held = [held]
    return pd.DataFrame(held)


def _column(pd: Any, series: Any) -> DataColumn:
    present = series.dropna()
    missing = bool(len(present) < len(series))
    kind = series.dtype
    if isinstance(kind, pd.CategoricalDtype):
        known = tuple(present.cat.categories.tolist())
        return DataColumn("category", missing, _listed(list(known)), known)
    if isinstance(kind, pd.DatetimeTZDtype):
        return DataColumn(f"datetime[{kind.tz}]", missing, _range(present))
    if pd.api.types.is_datetime64_dtype(kind):
        return DataColumn("datetime", missing, _range(present))
    values = present.tolist()
    if values and all(isinstance(value, bool) for value in values):
        return DataColumn("bool", missing, "")
    if pd.api.types.is_numeric_dtype(kind):
        whole = pd.api.types.is_integer_dtype(kind) or all(v == int(v) for v in values)
        return DataColumn("int64" if whole and not missing else "float64", missing, _range(present))
    texts = all(isinstance(value, str) for value in values)
    dated = values and texts and all(ISO_DATE.fullmatch(value) for value in values)
    return DataColumn("" if dated else "string", missing, _listed(sorted(set(map(str, values)))))


def _range(present: Any) -> str:
    return f"{present.min()} to {present.max()}" if len(present) else ""


def _listed(values: list[Any]) -> str:
    if len(values) > CATEGORIES_TOLD:
        return f"{len(values)} different values"
    return ", ".join(map(str, values))


def _row(pd: Any, row: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): _plain(pd, value) for name, value in row.items()}


def _plain(pd: Any, value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, (list, dict)):
        return value
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value
