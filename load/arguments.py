"""Values on the command line, each reader of which says what is wanted; and exit codes."""

import argparse
import re
from collections.abc import Callable
from enum import IntEnum
from typing import TypeVar

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


def number(text: str) -> float:
    """A number above 0."""
    return _read(text, float, lambda value: value > 0, "a number above 0")


def whole(text: str) -> int:
    """A whole number from 1."""
    return _read(text, int, lambda value: value >= 1, "a whole number from 1")


def share(text: str) -> float:
    """A share from 0 up to 1, also in percent."""
    parts = 100 if text.endswith("%") else 1
    value = _read(text.removesuffix("%"), float, lambda value: value >= 0, "a share such as 0.1%")
    if value >= parts:
        raise argparse.ArgumentTypeError(f"{text} given; give a share below 100%")
    return value / parts


def seconds(text: str) -> float:
    """A time, in seconds or minutes."""
    found = re.fullmatch(r"([\d.]+)(s|m|)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text} given; give a time such as 60s or 5m")
    return number(found[1]) * SECONDS_PER[found[2]]


def _read(text: str, kind: Callable[[str], T], holds: Callable[[T], bool], wanted: str) -> T:
    try:
        value = kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} given; give {wanted}") from None
    if not holds(value):
        raise argparse.ArgumentTypeError(f"{text} given; give {wanted}")
    return value
