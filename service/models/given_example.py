"""The golden request: given on the command line, a row of the data, or made up."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
from PIL import Image

from service.errors import InvalidModel, WrongUsage

EXAMPLE = "example.json"


@dataclass(frozen=True)
class Example:
    """A golden request, as a file."""

    file: str
    content: bytes


def given(example: str | None) -> Example | None:
    """The example of the command line: JSON as it is, or a file. Raises WrongUsage."""
    if example is None:
        return None
    if example.lstrip().startswith("{"):
        return _json(example)
    path = Path(example)
    if not path.is_file():
        raise WrongUsage(f"the example {example!r} is neither a JSON object nor a file")
    return Example(f"example{path.suffix}", path.read_bytes())


def row_of(example: Example | None) -> dict[str, Any] | None:
    """Its first row, if it is JSON. Raises InvalidModel where it is meant to be and is not."""
    if example is None or not example.file.endswith(".json"):
        return None
    try:
        sent = orjson.loads(example.content)
    except orjson.JSONDecodeError as error:
        raise InvalidModel(f"the example is not valid JSON: {error}") from None
    rows = sent.get("rows") if isinstance(sent, dict) else None
    row = rows[0] if isinstance(rows, list) and rows else sent
    return row if isinstance(row, dict) else None


def of_row(row: Mapping[str, Any] | None) -> Example | None:
    """A row as a file."""
    return _json(json.dumps(row, ensure_ascii=False, default=_plain)) if row else None


def loads(content: bytes) -> Any:
    """The request that a JSON example holds."""
    return orjson.loads(content)


def grey() -> Example:
    """A picture of nothing."""
    content = BytesIO()
    Image.new("RGB", (256, 256), "grey").save(content, "PNG")
    return Example("example.png", content.getvalue())


def _json(text: str) -> Example:
    return Example(EXAMPLE, text.strip().encode() + b"\n")


def _plain(value: Any) -> Any:
    """What NumPy has and JSON has not."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise InvalidModel(f"the example holds a {type(value).__name__}, which JSON does not have")
