"""What a log line may hold: JSON of a bounded size, and nothing that a terminal would obey."""

import json
import re
from collections.abc import Mapping
from typing import Any

import orjson

# A line with its end, in bytes: what a pipe takes whole.
LINE_BYTES = 4096

# A line that is too long is cut at ever fewer characters a text and entries a list, until it fits.
CUTS = ((1024, 32), (256, 16), (96, 8), (24, 4))
MARK = "…"

# JSON may hold these as they are, and readers would obey them: DEL and the C1 controls, of which
# terminals take some for ESC [; line separators; and what turns the direction of writing.
OBEYED = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
IN_JSON = re.compile(f"[{OBEYED}]")
IN_TEXT = re.compile(f"[\x00-\x08\x0a-\x1f{OBEYED}\ud800-\udfff]")
IN_LINES = re.compile(f"[\x00-\x08\x0b-\x1f{OBEYED}\ud800-\udfff]")


def json_line(event: Mapping[str, Any]) -> bytes:
    """*event* as a JSON object of less than LINE_BYTES, without the line's end."""
    try:
        line = _json(event)
        if len(line) < LINE_BYTES:
            return line
        cuts = iter(CUTS)
        while len(line) >= LINE_BYTES:
            line = _json(_cut(event, *next(cuts)))
    except Exception:  # noqa: BLE001  # a value may fail in any way, or be a circle
        names = list(event)[:4]  # when, how bad, what, who
        return _json({name: str(event[name])[:96] for name in names} | {"cut": True})
    return line


def harmless(text: str) -> str:
    """*text* as a terminal may show it on one line."""
    return IN_TEXT.sub(_escaped, text)


def harmless_lines(text: str) -> str:
    """*text* as a terminal may show it, on as many lines as it has."""
    return IN_LINES.sub(_escaped, text)


def _json(event: Any) -> bytes:
    try:
        line = orjson.dumps(event, default=repr)
    except TypeError:  # lone surrogates, which a header or a path may hold; integers of 65 bits
        return json.dumps(event, default=repr).replace("\x7f", r"\u007f").encode()
    if line.isascii() and b"\x7f" not in line:
        return line
    return IN_JSON.sub(_escaped, line.decode()).encode()


def _escaped(found: re.Match[str]) -> str:
    return rf"\u{ord(found[0]):04x}"


def _cut(value: Any, chars: int, entries: int) -> Any:
    if isinstance(value, bool | int | float | None):
        return value
    if isinstance(value, Mapping):
        return {
            _cut(str(name), chars, entries): _cut(each, chars, entries)
            for name, each in list(value.items())[: 4 * entries]
        }
    if isinstance(value, list | tuple):
        return [_cut(each, chars, entries) for each in _ends(value, entries)]
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= chars else text[:chars] + MARK


def _ends(values: list[Any] | tuple[Any, ...], entries: int) -> list[Any]:
    """The first of *values* and the last, which of a stack are those that tell most."""
    if len(values) <= entries:
        return list(values)
    first = entries // 4
    return [*values[:first], MARK, *values[first - entries :]]
