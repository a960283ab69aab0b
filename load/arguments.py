"""Values on the command line, each reader of which says what is wanted; and exit codes."""

import argparse
import math
import os
import re
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import NoReturn, TypeVar

# A number as JSON spells it (RFC 8259 section 6): float() reads "inf" and 1_0, too.
NUMBER = re.compile(r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")

SECONDS_PER = {"": 1.0, "s": 1.0, "m": 60.0}

T = TypeVar("T")


class Exit(IntEnum):
    """What a command answers to whoever started it."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NO = 3  # a goal missed, a figure worse
    UNKNOWN = 4  # what was measured does not tell
    INTERRUPTED = 130


class CommandLine(argparse.ArgumentParser):
    """argparse's, whose word on wrong usage is one sentence."""

    def error(self, message: str) -> NoReturn:
        """End with it, without the lines of usage."""
        self.exit(Exit.USAGE, f"{self.prog}: {message}; {self.prog} --help tells more\n")


def number(text: str) -> float:
    """A number above 0."""
    return _read(text, _number, lambda value: value > 0, "a number above 0")


def coefficient(text: str) -> float:
    """A number from 0."""
    return _read(text, _number, lambda value: value >= 0, "a number from 0")


def whole(text: str) -> int:
    """A whole number from 1."""
    return _read(text, _whole, lambda value: value >= 1, "a whole number from 1")


def share(text: str) -> float:
    """A share from 0 up to 1, also in percent."""
    parts = 100 if text.endswith("%") else 1
    value = _read(text.removesuffix("%"), _number, lambda value: value >= 0, "a share such as 0.1%")
    if value >= parts:
        raise argparse.ArgumentTypeError(f"{text} given; give a share below 100%")
    return value / parts


def seconds(text: str) -> float:
    """A time, in seconds or minutes."""
    found = re.fullmatch(r"([0-9.]+)(s|m|)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text} given; give a time such as 60s or 5m")
    return number(found[1]) * SECONDS_PER[found[2]]


def readable(text: str) -> Path:
    """A file that can be read."""
    path = Path(text)
    if not path.is_file() or not os.access(path, os.R_OK):
        raise argparse.ArgumentTypeError(f"{text} given; give a file that can be read")
    return path


def writable(text: str) -> Path:
    """A file that can be written, in a folder that is there."""
    path = Path(text)
    held = path if path.exists() else path.parent
    if path.is_dir() or not path.parent.is_dir() or not os.access(held, os.W_OK):
        raise argparse.ArgumentTypeError(f"{text} given; give a file in a folder that is there")
    return path


def _number(text: str) -> float:
    value = float(text) if NUMBER.fullmatch(text) else math.inf
    if not math.isfinite(value):
        raise ValueError
    return value


def _whole(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise ValueError
    return int(text)


def _read(text: str, kind: Callable[[str], T], holds: Callable[[T], bool], wanted: str) -> T:
    try:
        value = kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} given; give {wanted}") from None
    if not holds(value):
        raise argparse.ArgumentTypeError(f"{text} given; give {wanted}")
    return value
