"""
API keys as an operator writes them: a name, the SHA-256 of a key, and what it may.

    shop=9f86d081…0a08 scopes=predict models=iris,cat-* limit=600/minute

One stands on a line of a file, or between semicolons in a variable; a line that begins with # says
nothing. A name may stand there twice, with the old key and the new. The key itself is nowhere: a
random text of 256 bits needs no salt and no slow hash.
"""

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from config.rates import InvalidRate, Rate
from config.variables import NAME

DIGEST = re.compile(r"[0-9a-fA-F]{64}")
MODELS = re.compile(r"[A-Za-z0-9._*?,-]+")
NO_LIMIT = "none"

PREDICT, METRICS, ADMIN = "predict", "metrics", "admin"
SCOPES = (PREDICT, METRICS, ADMIN)

# What an instance calls its copy of the file.
KEPT = "api-keys"

# What is no more than a list of keys.
FILE_BYTES = 4 << 20


class InvalidKeys(ValueError):
    """Keys that cannot be used; the message names each, and repeats no value."""


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """
    Who asks with it, by name; its SHA-256; and what it may.

    *models* are patterns of their names, all where there are none; *limit* is a rate of its own,
    the service's where it is None, and none at all where *is_unlimited*.
    """

    name: str
    digest: bytes
    scopes: frozenset[str] = frozenset({PREDICT})
    models: tuple[str, ...] = ()
    limit: Rate | None = None
    is_unlimited: bool = False

    @cached_property
    def who(self) -> str:
        """What its requests are counted by."""
        return f"key {self.name}"


def digest_of(key: str) -> bytes:
    """The SHA-256 of a key, 32 bytes, by which it is known."""
    return sha256(key.encode("utf-8", "surrogateescape")).digest()


def parse(text: str) -> tuple[ApiKey, ...]:
    """Read the keys of *text*. Raises InvalidKeys with every fault."""
    entries = [entry for line in text.splitlines() for entry in _entries(line)]
    keys: list[ApiKey] = []
    faults: list[str] = []
    for number, entry in enumerate(entries, 1):
        try:
            keys.append(_key(entry))
        except ValueError as error:
            faults.append(f"key {number}: {error}")
    if len({key.digest for key in keys}) < len(keys):
        faults.append("the same key stands there twice")
    if faults:
        raise InvalidKeys("; ".join(faults))
    return tuple(keys)


def read(path: Path) -> tuple[ApiKey, ...]:
    """Read the keys of a file. Raises InvalidKeys, also where there is no such file."""
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES + 1)
        if len(content) > FILE_BYTES:
            raise InvalidKeys(f"a file of at most {FILE_BYTES} bytes is wanted")
        return parse(content.decode("utf-8-sig"))
    except OSError as error:
        raise InvalidKeys(f"the file cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidKeys("a file in UTF-8 is wanted") from None


def keep(keys: Iterable[ApiKey]) -> None:
    """Keep *keys*, as the file has them now, in the instance's folder, if there is room."""
    kept = _kept()
    if kept is None:
        return
    fresh = kept.with_name(f"{KEPT}.{os.getpid()}")
    with suppress(OSError):  # a worker that starts while the file is broken has older ones, or none
        fresh.touch(0o600)
        fresh.write_text("".join(f"{written(key)}\n" for key in keys))
        fresh.replace(kept)


def read_or_kept(path: Path) -> tuple[ApiKey, ...]:
    """
    Read the keys of a file; those that the instance has kept where it cannot be used now.

    A worker that starts meanwhile so has what the others have. Raises InvalidKeys.
    """
    try:
        return read(path)
    except InvalidKeys:
        kept = _kept()
        if kept is None or not kept.is_file():
            raise
        return read(kept)


def _kept() -> Path | None:
    """The instance's copy, once the instance has a folder."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(folder, KEPT) if folder else None


def written(key: ApiKey) -> str:
    """The line that stands for *key*."""
    parts = [f"{key.name}={key.digest.hex()}", f"scopes={','.join(sorted(key.scopes))}"]
    if key.models:
        parts.append(f"models={','.join(key.models)}")
    if key.limit or key.is_unlimited:
        parts.append(f"limit={key.limit or NO_LIMIT}")
    return " ".join(parts)


def _entries(line: str) -> list[str]:
    if line.lstrip().startswith("#"):
        return []
    return [entry for part in line.split(";") if (entry := part.strip())]


def _key(entry: str) -> ApiKey:
    """Read one entry. Raises ValueError with what is wanted; what stands there may be a secret."""
    first, *rest = entry.split()
    name, equals, digest = first.partition("=")
    if not equals or not NAME.fullmatch(name):
        raise ValueError(
            "a name of letters, digits, dots, dashes and underscores, then = and the key's "
            "SHA-256, is wanted"
        )
    if not DIGEST.fullmatch(digest):
        raise ValueError(
            f"{name}: its SHA-256 in 64 hexadecimal digits is wanted, not the key itself; "
            "python -m service.keys new makes both"
        )
    if bytes.fromhex(digest) == digest_of(""):
        raise ValueError(f"{name}: this is the SHA-256 of nothing")
    return ApiKey(name=name, digest=bytes.fromhex(digest), **_what_it_may(name, rest))


def _what_it_may(name: str, parts: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in parts:
        word, _, value = part.partition("=")
        if word in found or (word == "limit" and "is_unlimited" in found):
            raise ValueError(f"{name}: {word}= stands there twice")
        if word == "scopes" and value and set(value.split(",")) <= set(SCOPES):
            found["scopes"] = frozenset(value.split(","))
        elif word == "models" and MODELS.fullmatch(value) and value.strip(","):
            found["models"] = tuple(filter(None, value.split(",")))
        elif word == "limit" and value == NO_LIMIT:
            found["is_unlimited"] = True
        elif word == "limit":
            found["limit"] = _rate(name, value)
        else:
            raise ValueError(
                f"{name}: after the SHA-256, scopes= of {', '.join(SCOPES)}, models= of names or "
                "patterns, and limit= are wanted, with commas within and spaces between"
            )
    return found


def _rate(name: str, value: str) -> Rate:
    try:
        return Rate.parse(value)
    except InvalidRate as error:
        raise ValueError(f"{name}: of limit=, {error}, or {NO_LIMIT}") from None
