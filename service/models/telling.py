"""What `add` says at its end: the folder, its model.toml, what it decided, and what is next."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from service.inference.manifest.reading import MODEL_TOML
from service.inference.runtimes import Runtime
from service.inference.runtimes.fixed_rows import FixedRows
from service.inference.signature.signature import Signature
from service.log_text import harmless_lines
from service.models import draft
from service.models.presets import PRESETS
from service.models.trials import Findings

PASTED_BYTES, ANSWER_CHARS, TOML_LINES = 400, 400, 120
NAMES_TOLD = 8


def tell(
    target: Path, name: str, signature: Signature, answers: list[Any], decisions: list[str]
) -> None:
    """Say it on stdout; what is long is shortened."""
    url = f"http://localhost:8000/models/{name}"
    command = f"curl {url}    # its card, with a command to try it"
    if signature.kind != "image" and len(signature.example) <= PASTED_BYTES:
        sent = shlex.quote(signature.example.decode())
        command = f"curl -d {sent} -H 'Content-Type: application/json' {url}/predict"
    toml = (target / MODEL_TOML).read_text("utf-8").splitlines()
    more = [f"… {len(toml) - TOML_LINES} lines more"] if len(toml) > TOML_LINES else []
    decided = "".join(f"  - {each}\n" for each in decisions)
    sys.stdout.write(
        harmless_lines(
            f"\nAdded {target}. Its model.toml, which is yours to edit:\n\n"
            + "".join(f"    {line}\n" if line else "\n" for line in toml[:TOML_LINES] + more)
            + (f"\nDecided, for nothing said so:\n{decided}" if decided else "")
            + f"\nIt answers its example with {shortened(answers[0])}\n\n"
            f"Next: python -m service.models check {name}; then restart the service, and\n\n"
            f"    {command}\n\n"
        )
    )


def shortened(answer: Any) -> str:
    """An answer as JSON, as far as a line goes."""
    text = orjson.dumps(answer).decode()
    if len(text) <= ANSWER_CHARS:
        return text
    return f"{text[:ANSWER_CHARS]}… ({len(text)} characters)"


def decide_inputs(
    decisions: list[str], runtime: Runtime, known: draft.Known, *, has_data: bool
) -> None:
    """Add what was decided of the inputs, and the flag that decides otherwise."""
    found = getattr(runtime, "decided", {})
    numbers = [name for name, column in found.items() if not column.dtype]
    if numbers and not has_data:
        decisions.append(
            f"numbers: {listed(numbers)}; rows of yours tell otherwise: --data FILE.csv"
        )
    for name, column in found.items():
        if column.dtype and not has_data:
            decisions.append(
                f"{name} is {column.dtype}: the model answers that and no number; --data FILE.csv "
                "tells otherwise"
            )
    pictured = [spec for spec in runtime.inputs.values() if draft.has_pixels(spec)]
    if pictured and not known.image and not draft.is_of_pictures(runtime):
        decisions.append(
            f"{pictured[0].name} takes numbers; if they are pictures: --image PRESET, one of "
            f"{', '.join(PRESETS)}"
        )
    if known.image or draft.is_of_pictures(runtime):
        wanted = "" if known.size else "; --size HEIGHTxWIDTH where the model takes any"
        decisions.append(f"pictures are prepared as {known.image or '0-to-255'}{wanted}")
    decisions += getattr(runtime, "left_out", {}).values()


def decide_serve(
    decisions: list[str], runtime: Runtime, found: Findings, most: int, asked_rows: int | None
) -> dict[str, Any]:
    """What stands under [serve], told as well."""
    if isinstance(runtime, FixedRows) and asked_rows:
        return {"batch_rows": runtime.rows, "rows_per_call": asked_rows}
    if isinstance(runtime, FixedRows):
        decisions.append(
            f"batch_rows = {runtime.rows}: the artefact takes exactly so many rows a call; a first "
            "dimension of any size would batch better"
        )
        return {"batch_rows": runtime.rows}
    if found.rows_per_call:
        decisions.append(
            "rows_per_call = 1: it answers one row, and fails when asked two together; a first "
            "dimension that is free all through the graph would batch better"
        )
        return {"batch_rows": 1, "rows_per_call": 1}
    if not found.repeats:
        decisions.append(
            "batch_rows = 1: it answers the same request differently each time (it draws at "
            "random, or keeps something of earlier requests)"
        )
    elif not found.stands_alone:
        decisions.append(
            "batch_rows = 1: the answer to a row depends on the rows beside it, so each request "
            "is a call of its own"
        )
    elif found.batch_rows < most:
        decisions.append(f"batch_rows = {found.batch_rows}: the largest batch that it answers soon")
    else:
        return {}
    return {"batch_rows": found.batch_rows}


def decide_missing(decisions: list[str], columns: Mapping[str, Mapping[str, Any]]) -> None:
    """Tell which columns may be missing."""
    optional = [name for name, said in columns.items() if said.get("optional")]
    if optional:
        decisions.append(f"optional: {listed(optional)}; the model answers rows without them")


def listed(names: list[str]) -> str:
    """Names, as many as a line holds."""
    more = len(names) - NAMES_TOLD
    return ", ".join(names[:NAMES_TOLD]) + (f" and {more} more" if more > 0 else "")
