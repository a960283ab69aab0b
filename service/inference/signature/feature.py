"""One named feature: what may be sent for it, and how what was sent is read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from math import isfinite
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.faults import scalar

FeatureKind: TypeAlias = Literal["number", "integer", "boolean", "string", "datetime"]

KINDS: dict[str, FeatureKind] = {
    "f": "number", "i": "integer", "u": "integer", "b": "boolean", "M": "datetime",
}  # fmt: skip
NOUNS = {
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "string": "a string",
    "datetime": "a date or a time as ISO 8601 writes it, without an offset",
}
ZONED = "a date and time as ISO 8601 writes it, with its offset"
TYPES: dict[FeatureKind, frozenset[type]] = {
    "number": frozenset({int, float}),
    "integer": frozenset({int}),
    "boolean": frozenset({bool}),
    "string": frozenset({str}),
    "datetime": frozenset({str, int}),
}

# Of these 5.0 is as good as 5, as JSON has it.
WHOLE_KINDS = frozenset({"integer", "datetime"})

CATEGORIES_TOLD = 20

# A number as JSON spells it (RFC 8259 section 6), and what makes it more than a whole one. Python
# reads 1_000, digits of other scripts and "infinity", too.
JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)((?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)")
NUMBER_CHARS = 400
TRUTHS = {"true": True, "false": False}
WHOLE = re.compile(r"-?[0-9]{6,16}")
OFFSET_SPACE = re.compile(r" (?=\d\d:?\d\d$)")

# What stands in an array for what was not sent, by the kind of its dtype.
MISSING: dict[str, Any] = {"f": np.nan, "M": np.datetime64("NaT", "us")}


class InvalidValue(Exception):
    """What was sent cannot be read as the feature."""

    def __init__(self, sent: str, wanted: str = "") -> None:
        """*wanted* says more than the feature itself does, where that matters."""
        super().__init__(sent)
        self.sent = sent
        self.wanted = wanted


def kind_of_dtype(dtype: np.dtype[Any]) -> FeatureKind:
    """Name what JSON calls the values of *dtype*; objects are strings."""
    return KINDS.get(dtype.kind, "string")


@dataclass(frozen=True, kw_only=True)
class Feature:
    """
    A feature as requests name it.

    *minimum* and *maximum* are inclusive, None where open; *categories*, if any, are all that may
    be sent; an *optional* one may be null or left out. *dtype* is the array's that it goes into.
    A date is *zoned* if it has an offset. *takes_booleans* of a number that may be true or false.
    """

    name: str
    kind: FeatureKind
    dtype: np.dtype[Any]
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[Any, ...] = ()
    optional: bool = False
    description: str = ""
    zoned: bool = False
    takes_booleans: bool = False
    bounds: tuple[float, float] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        lowest, highest = range_of(self.dtype) if self.kind in {"number", "integer"} else (0, 0)
        lowest = lowest if self.minimum is None else self.minimum
        highest = highest if self.maximum is None else self.maximum
        object.__setattr__(self, "bounds", (lowest, highest))

    @cached_property
    def _allowed(self) -> frozenset[Any]:
        return frozenset(self.categories)

    @cached_property
    def wanted(self) -> str:
        """What may be sent, in words."""
        noun = ZONED if self.zoned else NOUNS[self.kind]
        if self.categories:
            listed = ", ".join(scalar(known) for known in self.categories[:CATEGORIES_TOLD])
            more = len(self.categories) - CATEGORIES_TOLD
            noun = f"one of {listed}" + (f" or {more} more" if more > 0 else "")
        elif self.minimum is not None and self.maximum is not None:
            noun += f" from {self.minimum:.15g} to {self.maximum:.15g}"
        elif self.minimum is not None:
            noun += f" of at least {self.minimum:.15g}"
        elif self.maximum is not None:
            noun += f" of at most {self.maximum:.15g}"
        return noun + (" or null" if self.optional else "")

    def is_plain(self, column: tuple[Any, ...]) -> bool:
        """Whether `read` would pass every value of *column* on as it is."""
        if self.kind == "datetime" or not TYPES[self.kind].issuperset(map(type, column)):
            return False
        if self.categories:
            return self._allowed.issuperset(column)
        if self.kind in {"boolean", "string"}:
            return True
        lowest, highest = self.bounds
        return bool(lowest <= min(column) and max(column) <= highest)

    def first_unfit(self, column: NDArray[Any]) -> int | None:
        """Find the first number of *column* [n] that may not be sent; None if all may."""
        lowest, highest = self.bounds
        fits = np.ones(len(column), bool)
        if column.dtype.kind == "f":
            fits = np.isfinite(column)
        if self.kind in {"number", "integer"}:
            fits &= (column >= lowest) & (column <= highest)
        if self.kind != "number" and column.dtype.kind == "f":
            fits &= column == (np.floor(column) if self.kind == "integer" else column.astype(bool))
        if self.categories:
            fits &= np.isin(column, np.array(self.categories, column.dtype))
        if self.optional and column.dtype.kind == "f":
            fits |= np.isnan(column)
        return None if fits.all() else int(np.argmin(fits))

    def read(self, row: Mapping[str, Any]) -> Any:
        """Read this feature of *row*. Raises InvalidValue."""
        value = row.get(self.name)
        if value is None:
            if self.optional:
                return MISSING.get(self.dtype.kind)
            if self.name not in row:
                raise InvalidValue("nothing")
            raise InvalidValue("null", f"{self.wanted} (the feature is not optional)")
        if self.takes_booleans and isinstance(value, bool):
            value = int(value)
        if self.kind in WHOLE_KINDS and isinstance(value, float) and value.is_integer():
            value = int(value)
        if self.kind == "datetime":
            return self._moment(value)
        if not self.is_plain((value,)):
            raise InvalidValue(scalar(value), self._range_for(value))
        return value

    def _moment(self, value: Any) -> np.datetime64:
        """Read ISO 8601, or milliseconds since 1970, which is what DataFrame.to_json writes."""
        try:
            if type(value) is int:
                moment = datetime.fromtimestamp(value / 1000, UTC)
            else:
                moment = datetime.fromisoformat(value)
                if (moment.tzinfo is not None) is not self.zoned:
                    raise InvalidValue(scalar(value))
                moment = moment.astimezone(UTC) if self.zoned else moment
        except (TypeError, ValueError, OverflowError, OSError):
            raise InvalidValue(scalar(value)) from None
        return np.datetime64(moment.replace(tzinfo=None), "us")

    def _range_for(self, value: Any) -> str:
        """The range of what the model computes in, for a number beyond it alone."""
        least, greatest = range_of(self.dtype)
        is_told = None not in {self.minimum, self.maximum} or self.categories
        if is_told or type(value) not in TYPES[self.kind] or isinstance(value, str | bool):
            return ""
        if least <= value <= greatest:
            return ""
        lowest, highest = self.bounds
        within = f" from {lowest:.15g} to {highest:.15g}"
        if self.kind == "integer":
            within = f" from {int(lowest)} to {int(highest)}"
        return NOUNS[self.kind] + within + (" or null" if self.optional else "")

    def parse(self, text: str) -> Any:
        """Take a query string's *text* for the value it spells, or leave it as it is."""
        if self.kind == "string":
            return text
        if self.optional and not text:
            return None
        if self.kind == "datetime":
            # A query's plus is a space; no date has one before its offset.
            return int(text) if WHOLE.fullmatch(text) else OFFSET_SPACE.sub("+", text)
        if self.kind == "boolean" or (self.takes_booleans and text.lower() in TRUTHS):
            return TRUTHS.get(text.lower(), text)
        return _number(text)

    def example(self) -> Any:
        """Make up a value that is valid."""
        if self.categories:
            return self.categories[0]
        made_up = {"boolean": False, "string": "text", "datetime": "2026-01-31T12:00:00"}
        if self.kind in made_up:
            return f"{made_up[self.kind]}+00:00" if self.zoned else made_up[self.kind]
        return self._middle()

    def _middle(self) -> float:
        low, high = self.bounds
        bounded = self.minimum is not None and self.maximum is not None
        middle = (low + high) / 2 if bounded else min(max(0, low), high)
        return int(middle) if self.kind == "integer" else float(middle)


def _number(text: str) -> int | float | str:
    """The number that JSON would spell so; *text* itself if it would not."""
    spelt = JSON_NUMBER.fullmatch(text)
    if not spelt or len(text) > NUMBER_CHARS:
        return text
    number = float(text) if spelt[1] else int(text)
    return number if isfinite(number) else text


def range_of(dtype: np.dtype[Any]) -> tuple[float, float]:
    """Find the least and the greatest number that *dtype* holds."""
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return limits.min, limits.max
    if dtype.kind == "f":
        return float(np.finfo(dtype).min), float(np.finfo(dtype).max)
    return -np.inf, np.inf
