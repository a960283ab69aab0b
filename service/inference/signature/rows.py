"""
Rows of named features, made into the columns or matrices that a model takes.

Values go to NumPy in bulk where all of them are plainly right; only where one is not, each is
looked at, to name what is wrong or to admit what is unusual (5.0 for a whole number).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain, islice, product
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import InvalidInput
from service.faults import FAULTS_TOLD, Fault, kind_of, pointer, wanted
from service.inference.pictures.decoding import Reserve, unlimited
from service.inference.signature.feature import TYPES, Feature, InvalidValue
from service.inference.signature.question import Question
from service.inference.tensors import Tensors

ROWS = "rows"

# So many combinations of words are tried for an example.
MADE_UP = 200

# Longer names are not compared with the known ones: it costs time and cannot help.
NAME_CHARS = 64


@dataclass(frozen=True, slots=True)
class Part:
    """An input of the model: features *start* to *stop*, in *shape* with -1 for the rows."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    start: int
    stop: int

    def of_matrix(self, matrix: NDArray[Any]) -> NDArray[Any]:
        """Take this input's columns of all features' numbers [n, features]."""
        part = matrix[:, self.start : self.stop].astype(self.dtype)
        return part.reshape(self.shape)

    def of_columns(self, columns: Sequence[tuple[Any, ...]]) -> NDArray[Any]:
        """Take this input's columns of all features' values."""
        own = columns[self.start : self.stop]
        if len(own) == 1:
            return np.array(own[0], self.dtype).reshape(self.shape)
        return np.array(own, self.dtype).T.copy()


class Numbers:
    """The quick way for features that are all numbers: one array, checked as a whole."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self._wide = len(features)
        self._lowest = np.array([feature.bounds[0] for feature in features])
        self._highest = np.array([feature.bounds[1] for feature in features])

    def matrix(self, table: list[tuple[Any, ...]]) -> NDArray[np.float64] | None:
        """The numbers [n, features], or None where one is no number or out of its range."""
        flat = list(chain.from_iterable(table))
        if not TYPES["number"].issuperset(map(type, flat)):
            return None
        matrix = np.array(flat, np.float64).reshape(-1, self._wide)
        fits = (matrix >= self._lowest) & (matrix <= self._highest)
        return matrix if fits.all() else None


class FeatureRows:
    """What reads rows of *features* for the inputs *parts*; at most *limit_rows* at once."""

    def __init__(
        self,
        features: Sequence[Feature],
        parts: Sequence[Part],
        limit_rows: int,
        ignored: Sequence[str] = (),
    ) -> None:
        """Names that are *ignored* may be sent with any value, and are not looked at."""
        self._ignored = frozenset(ignored)
        self.features = tuple(features)
        self.parts = tuple(parts)
        self._limit_rows = limit_rows
        self._names = {feature.name: feature for feature in features}
        names = list(self._names)
        pick = itemgetter(*names)
        plain = all(feature.kind == "number" and not feature.categories for feature in features)
        self._numbers = Numbers(features) if plain else None
        self._pick = pick if len(names) > 1 else lambda row: (pick(row),)

    def read(self, sent: Mapping[str, Any], _reserve: Reserve = unlimited) -> Question:
        """Read one row, or the list under `rows`. Raises InvalidInput."""
        rows = sent.get(ROWS)
        if isinstance(rows, list):
            self._check_envelope(sent, rows)
            return Question(self._arrays(rows, (ROWS,)), len(rows), single=False)
        if ROWS in sent and ROWS not in self._names:
            raise InvalidInput([wanted(pointer(ROWS), kind_of(rows), "a list of rows")])
        return Question(self._arrays([sent], ()), 1, single=True)

    def read_query(self, pairs: Iterable[tuple[str, str]]) -> Question:
        """Read one row from the parameters of a query string. Raises InvalidInput."""
        return self.read(self._parsed(pairs))

    def _parsed(self, pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
        row: dict[str, Any] = {}
        for name, text in pairs:
            if name in row:
                want = "each name once"
                raise InvalidInput([wanted(pointer(name), "the same name twice", want)])
            feature = self._names.get(name)
            row[name] = feature.parse(text) if feature else text
        return row

    def example(self) -> dict[str, Any]:
        """Make up a row that is valid."""
        return {feature.name: feature.example() for feature in self.features}

    def made_up(self, words: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Make up rows that are valid: zeros, then ones, with strings that are of *words*."""
        row = self.example()
        texts = [
            each.name for each in self.features if each.kind == "string" and not each.categories
        ]
        yield row
        yield row | {each.name: 1 for each in self.features if each.is_plain((1,))}
        choices = product(words, repeat=len(texts)) if texts else ()
        for chosen in islice(choices, MADE_UP):
            yield row | dict(zip(texts, chosen, strict=True))

    def query(self, sent: Mapping[str, Any]) -> dict[str, str]:
        """Spell the first row of a valid request as the parameters of a query string."""
        row = sent[ROWS][0] if isinstance(sent.get(ROWS), list) else sent
        return {
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in row.items()
            if value is not None
        }

    def _check_envelope(self, sent: Mapping[str, Any], rows: list[Any]) -> None:
        others = [name for name in sent if name != ROWS]
        faults = [
            wanted(pointer(name), "a name beside rows", "rows alone, or one row without it")
            for name in others[:FAULTS_TOLD]
        ]
        if not 1 <= len(rows) <= self._limit_rows:
            faults.append(
                wanted(pointer(ROWS), kind_of(rows), f"a list of 1 to {self._limit_rows} rows")
            )
        if faults:
            raise InvalidInput(faults)

    def _arrays(self, rows: list[Any], under: tuple[str | int, ...]) -> Tensors:
        if self._ignored:
            rows = [self._heeded(row) for row in rows]
        table = self._table(rows)
        if table and self._numbers:
            matrix = self._numbers.matrix(table)
            if matrix is not None:
                return {part.name: part.of_matrix(matrix) for part in self.parts}
        columns = list(zip(*table, strict=True))
        if not table or not all(map(Feature.is_plain, self.features, columns)):
            columns = self._values(rows, under)
        return {part.name: part.of_columns(columns) for part in self.parts}

    def _heeded(self, row: Any) -> Any:
        """A row without what is not looked at."""
        if not isinstance(row, dict) or self._ignored.isdisjoint(row):
            return row
        return {name: value for name, value in row.items() if name not in self._ignored}

    def _table(self, rows: list[Any]) -> list[tuple[Any, ...]]:
        """The values by row, or nothing where a row has not exactly the features."""
        try:
            if set(map(len, rows)) == {len(self.features)}:
                return list(map(self._pick, rows))
        except (KeyError, TypeError):
            pass
        return []

    def _values(self, rows: list[Any], under: tuple[str | int, ...]) -> list[tuple[Any, ...]]:
        """The values by feature. Raises InvalidInput naming what is wrong, wherever it is."""
        values: list[list[Any]] = []
        faults = list(islice(self._look(rows, under, values), FAULTS_TOLD))
        if faults:
            raise InvalidInput(faults)
        return list(zip(*values, strict=True))

    def _look(
        self, rows: list[Any], under: tuple[str | int, ...], values: list[list[Any]]
    ) -> Iterator[Fault]:
        """Add each row's values to *values*, and tell what is wrong."""
        for number, row in enumerate(rows):
            steps = (*under, number) if under else ()
            if not isinstance(row, dict):
                yield wanted(pointer(*steps), kind_of(row), "an object of features")
                continue
            yield from self._unknown(row, steps)
            read: list[Any] = []
            for feature in self.features:
                try:
                    read.append(feature.read(row))
                except InvalidValue as wrong:
                    where = pointer(*steps, feature.name)
                    yield wanted(where, wrong.sent, wrong.wanted or feature.wanted)
            values.append(read)

    def _unknown(self, row: dict[str, Any], steps: tuple[str | int, ...]) -> Iterator[Fault]:
        for name, value in row.items():
            if name not in self._names:
                near = self._nearest(name)
                hint = f"; did you mean {near!r}?" if near else ""
                if isinstance(value, list):
                    hint = f"; send a list of rows under {ROWS!r}"
                known = near or "one of " + ", ".join(list(self._names)[:FAULTS_TOLD])
                where = pointer(*steps, name)
                yield Fault(where, "an unknown name", known, f"no such feature{hint}")

    def _nearest(self, name: str) -> str | None:
        if len(name) > NAME_CHARS:
            return None
        folded = {known.casefold(): known for known in self._names}
        found = get_close_matches(name.casefold(), folded, n=1)
        return folded[found[0]] if found else None
