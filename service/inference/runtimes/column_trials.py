"""
The dtypes of columns that nothing remembers, found by asking the estimator.

A pipeline of one's own functions does not say what it takes. What answers an example takes it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice
from typing import Any

import numpy as np

from service.errors import InvalidModel
from service.inference.runtimes.column import Column
from service.inference.runtimes.estimator_answers import EstimatorAnswers
from service.inference.runtimes.frames import Table, frame_of, matrix_of
from service.inference.runtimes.wording import first_line
from service.inference.tensors import DATETIME, Tensors, TensorSpec

# After so many it is time to ask whoever has the data.
TRIALS, WORDS_CHARS = 300, 160
ONE = 1.0


@dataclass(frozen=True)
class Trial:
    """Columns that an estimator takes, what makes its table of them, and what it then answers."""

    columns: Sequence[Column]
    inputs: dict[str, TensorSpec]
    table: Table
    answers: EstimatorAnswers


def settle(estimator: Any, columns: Sequence[Column], unknown: Sequence[str]) -> Trial:
    """
    Find dtypes for the *unknown* of *columns* with which *estimator* answers an example.

    Raises InvalidModel, with what it raised of the columns as they are, if there are none.
    """
    first_error: Exception | None = None
    infinite: Trial | None = None
    for tried in islice(_candidates(columns, unknown), TRIALS):
        try:
            trial = _attempt(estimator, tried)
        except InvalidModel:
            raise
        except Exception as error:  # noqa: BLE001  # a step may raise anything
            first_error = first_error or error
            continue
        if trial.answers.is_finite:
            return trial
        infinite = infinite or trial
    if infinite:
        return infinite
    why = first_line(str(first_error), WORDS_CHARS) or type(first_error).__name__
    raise InvalidModel(
        f"{type(estimator).__name__} answers no made-up row ({why}); show a "
        "few rows as they will be sent: --data FILE.csv"
    ) from first_error


def example_of(columns: Sequence[Column]) -> Tensors:
    """The one row of the columns' examples, as it travels."""
    return {column.name: _travelling(column) for column in columns}


def _travelling(column: Column) -> Any:
    datatype = column.spec.datatype
    if datatype.kind == "M":
        plain = str(column.example).removesuffix("Z").split("+")[0]
        return np.array([plain], datatype)
    return np.array([column.example], datatype)


def _attempt(estimator: Any, columns: Sequence[Column]) -> Trial:
    inputs = {column.name: column.spec for column in columns}
    row = example_of(columns)
    if all(column.spec.datatype.kind == "f" and column.dtype != "category" for column in columns):
        plain = matrix_of(columns)
        try:
            return Trial(columns, inputs, plain, EstimatorAnswers(estimator, plain(row)))
        except Exception:  # noqa: BLE001, S110  # it chooses columns by name: a frame has names
            pass
    framed = frame_of(columns)
    return Trial(columns, inputs, framed, EstimatorAnswers(estimator, framed(row)))


def _candidates(columns: Sequence[Column], unknown: Sequence[str]) -> Iterator[Sequence[Column]]:
    """The columns as they are, then with other dtypes: of all that are unknown, of one, of two."""
    yield columns
    changes: list[Callable[[Column], Column]] = [
        lambda column: replace(column.as_dtype("string"), example=_text(column)),
        _dated,
        _with_one,
    ]
    groups = [tuple(unknown), *((name,) for name in unknown), *combinations(unknown, 2)]
    for group in groups:
        for change in changes if group else ():
            yield [change(each) if each.name in group else each for each in columns]


def _text(column: Column) -> str:
    return column.example if isinstance(column.example, str) else "text"


def _dated(column: Column) -> Column:
    """A date; its own example, where that is one."""
    dated = column.as_dtype(DATETIME)
    if not isinstance(column.example, str) or not column.example[:4].isdigit():
        return dated
    zoned = column.example.endswith("Z") or "+" in column.example
    return replace(column, dtype=f"{DATETIME}[UTC]" if zoned else DATETIME)


def _with_one(column: Column) -> Column:
    """A number that has a logarithm and can be divided by."""
    return Column(column.name, column.dtype, column.categories, ONE, column.missing)
