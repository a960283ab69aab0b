"""
`python -m service.keys new NAME`: makes a key, shown once, and the line that stands for it.

The key goes to who asks with it; the line, which has its SHA-256 alone, to WEIR_API_KEYS_FILE or
WEIR_API_KEYS. A running service takes over a changed file within a second.
"""

import argparse
import os
import secrets
import sys
from pathlib import Path

from config.api_keys import SCOPES, InvalidKeys, digest_of, parse, read, written
from config.standard_streams import open_missing

# 256 bits: nobody finds one by trying.
KEY_BYTES = 32

# By which scanners of sources and logs know one that has slipped out.
PREFIX = "weir_"


def main() -> None:
    """Do what the arguments say."""
    open_missing()
    asked = _parser().parse_args()
    key = PREFIX + secrets.token_urlsafe(KEY_BYTES)
    try:
        line = _line(asked, key)
        if asked.file:
            _append(asked.file, line)
    except (InvalidKeys, OSError) as error:
        sys.exit(f"weir: {error}")
    print(key)  # noqa: T201  # to a pipe, the key alone
    place = f"added to {asked.file}" if asked.file else "for WEIR_API_KEYS_FILE or WEIR_API_KEYS"
    sys.stderr.write(f"This key is shown once. The line that stands for it, {place}:\n{line}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m service.keys", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    new = commands.add_parser("new", help="make a key")
    new.add_argument("name", help="who asks with it: what the log and the metrics call it")
    new.add_argument("--scopes", default="predict", help=f"of {','.join(SCOPES)}")
    new.add_argument("--models", help="names or patterns, with commas: iris,cat-*; by default all")
    new.add_argument("--limit", help="how often: 600/minute, or none; by default WEIR_RATE_LIMIT")
    new.add_argument("--file", type=Path, help="the file to which the line is added")
    return parser


def _line(asked: argparse.Namespace, key: str) -> str:
    """The line that stands for *key*. Raises InvalidKeys with what is wanted."""
    parts = [f"{asked.name}={digest_of(key).hex()}", f"scopes={asked.scopes}"]
    parts += [f"{word}={value}" for word in ("models", "limit") if (value := getattr(asked, word))]
    (found,) = parse(" ".join(parts))
    return written(found)


def _append(path: Path, line: str) -> None:
    """Add *line* to the file, which only its owner may read if it is made here."""
    if path.exists():
        read(path)  # one that cannot be used is told, and left alone
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+") as file:
        text = file.read()
        file.write(f"{'' if not text or text.endswith(chr(10)) else chr(10)}{line}\n")


if __name__ == "__main__":
    main()
