"""A model's folder, read."""

import tomllib
from pathlib import Path
from typing import Any

from marshmallow import ValidationError

from service.errors import InvalidModel
from service.inference.manifest.manifest import Manifest
from service.inference.manifest.schema import ManifestSchema

MODEL_TOML = "model.toml"


def read_manifest(folder: Path) -> Manifest:
    """Read *folder*/model.toml. Raises InvalidModel saying which entry is wrong, and why."""
    try:
        entries = tomllib.loads((folder / MODEL_TOML).read_text("utf-8"))
        manifest: Manifest = ManifestSchema(folder).load(entries)
    except OSError as error:
        raise InvalidModel(f"{folder.name}/{MODEL_TOML} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidModel(f"{folder.name}/{MODEL_TOML} cannot be read: {error}") from None
    except ValidationError as error:
        raise InvalidModel(f"{folder.name}/{MODEL_TOML}: {_listed(error.messages)}") from None
    return manifest


def _listed(messages: Any, under: str = "") -> str:
    """Marshmallow's nested messages as `serve.queue_rows: …; input.X.kind: …`."""
    if isinstance(messages, dict):
        return "; ".join(_listed(inner, _step(under, name)) for name, inner in messages.items())
    sentence = " ".join(map(str, messages)) if isinstance(messages, list) else str(messages)
    return f"{under}: {sentence}"


def _step(under: str, name: object) -> str:
    if name in {"_schema", "key", "value"}:
        return under
    return f"{under}.{name}" if under else str(name)
