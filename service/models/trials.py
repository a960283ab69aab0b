"""
What a model answers when it is asked as the service will ask it.

One row, twice; two different rows, alone and together; the same row as often as the largest batch
has room for. The answer to a row must be the same in all of these: the rows beside it in a batch
are strangers'.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from time import perf_counter
from typing import Any

import numpy as np
import orjson

from service.errors import InvalidModel, ServiceError
from service.inference.runtimes import Runtime
from service.inference.runtimes.wording import words_of
from service.inference.signature.signature import Signature
from service.inference.tensors import Tensors, join, row_count
from service.models.other_rows import same, variations

# A batch takes at most so long, of the ten seconds that a call has.
CALL_S = 3.0


@dataclass(frozen=True, kw_only=True)
class Findings:
    """
    What the trials found.

    *stands_alone* unless the answer to a row depends on its neighbours; *repeats* if it answers the
    same twice; *batch_rows* is the largest batch that was answered, *rows_per_call* is 1 where two
    rows are more than it was made for.
    """

    batch_rows: int
    rows_per_call: int | None = None
    stands_alone: bool = True
    repeats: bool = True


class _Raised(Exception):
    """The model *failed*, or answered another number of rows than it was asked."""

    def __init__(self, how: str, *, failed: bool) -> None:
        super().__init__(how)
        self.failed = failed


def find(
    signature: Signature, runtime: Runtime, batch_rows: int, others: Sequence[Tensors] = ()
) -> Findings:
    """
    Ask *runtime* in batches of up to *batch_rows*; *others* are rows as they will be sent, if any.

    Raises InvalidModel for an example that it does not answer as JSON has it.
    """
    one = _first_row(signature.golden().inputs)
    alone, took_s = _example(signature, runtime, one)
    repeats = same(alone, _ask(runtime, one))
    further = list(islice(_others(signature, runtime, one, others), 2)) or [one]
    try:
        _ask(runtime, join([further[0], one]))
    except _Raised as error:
        if len(one) == 1 and error.failed:
            return Findings(batch_rows=1, rows_per_call=1, repeats=repeats)
        raise InvalidModel(
            f"it answers one row, and {error} when asked two together: its first dimension is not "
            "one of rows; export it with a free one, or serve it a row at a time: --rows-per-call 1"
        ) from error
    stands_alone = not repeats or _stand_alone(runtime, [*further, one])
    if not stands_alone:
        _check_common_rows(runtime, one, further[0])
    if not (repeats and stands_alone):
        return Findings(batch_rows=1, stands_alone=stands_alone, repeats=repeats)
    rows, stands_alone = _largest(runtime, one, alone, min(batch_rows, _affordable(took_s)))
    return Findings(batch_rows=rows, stands_alone=stands_alone)


def missing_columns(signature: Signature, runtime: Runtime, names: Sequence[str]) -> list[str]:
    """List those of *names* of which a row may lack the value, and the model still answers it."""
    one = _first_row(signature.golden().inputs)
    return [name for name in names if _answers_without(signature, runtime, one, [name])]


def _answers_without(
    signature: Signature, runtime: Runtime, one: Tensors, names: Sequence[str]
) -> bool:
    row = dict(one)
    for name in names:
        array = row[name]
        row[name] = np.full(array.shape, _nothing(array.dtype), array.dtype)
    try:
        _as_json(signature, runtime.predict(row))
    except Exception:  # noqa: BLE001  # it cannot do without
        return False
    return True


def _nothing(dtype: np.dtype[Any]) -> Any:
    return {"f": np.nan, "M": np.datetime64("NaT")}.get(dtype.kind)


def _example(signature: Signature, runtime: Runtime, one: Tensors) -> tuple[Tensors, float]:
    """The answer to the example, and how long it took. Raises InvalidModel."""
    try:
        runtime.predict(one)  # the first call may compile
        started = perf_counter()
        outputs = runtime.predict(one)
    except Exception as error:
        raise InvalidModel(
            f"it answers its example with an error ({words_of(error)}); show a row that it can "
            "answer by --example"
        ) from error
    took_s = perf_counter() - started
    for name, array in outputs.items():
        if array.ndim == 0 or len(array) != 1:
            raise InvalidModel(
                f"it answers {list(array.shape)} in its output {name!r} to 1 row; every output "
                "wants a row for each row that was asked"
            )
    _as_json(signature, outputs)
    return outputs, took_s


def is_finite(outputs: Tensors) -> bool:
    """Whether an answer holds no number that JSON does not have."""
    return all(np.isfinite(array).all() for array in outputs.values() if array.dtype.kind in "fc")


def _as_json(signature: Signature, outputs: Tensors) -> None:
    """Raise InvalidModel for what no answer could hold."""
    for name, array in outputs.items():
        if array.dtype.kind in "fc" and not np.isfinite(array).all():
            found = array[~np.isfinite(array)].flat[0]
            raise InvalidModel(
                f"it answers {found} in its output {name!r} to the example, and JSON has no such "
                "number; show a row that it can answer by --example"
            )
    try:
        orjson.dumps(signature.answers(outputs))
    except ServiceError:
        raise
    except (TypeError, ValueError) as error:
        kinds = {name: str(array.dtype) for name, array in outputs.items()}
        raise InvalidModel(f"its answer is nothing that JSON holds ({error}): {kinds}") from None


def _ask(runtime: Runtime, inputs: Tensors) -> Tensors:
    rows = row_count(inputs)
    try:
        outputs = runtime.predict(inputs)
        answered = row_count(outputs)
    except Exception as error:
        raise _Raised(f"fails ({words_of(error)})", failed=True) from error
    if answered != rows:
        raise _Raised(f"gives {answered}", failed=False)
    return outputs


def _check_common_rows(runtime: Runtime, one: Tensors, other: Tensors) -> None:
    """Raise InvalidModel where some input may have another number of rows than the others."""
    first = next(iter(one))
    uneven = {**one, first: np.concatenate([one[first], other[first]])}
    try:
        runtime.predict(uneven)
    except Exception:  # noqa: BLE001  # it wants the same number in each
        return
    if len(one) > 1:
        raise InvalidModel(
            f"its inputs {', '.join(one)} have no common number of rows, and the answer to one "
            "depends on others; it is no model of rows"
        )


def _largest(runtime: Runtime, one: Tensors, alone: Tensors, most: int) -> tuple[int, bool]:
    """The most rows of one call that is answered, and whether all are answered as one alone."""
    rows = most
    while rows > 1:
        try:
            answers = _ask(runtime, _repeated(one, rows))
        except _Raised:
            rows //= 2
            continue
        return rows, all(same(_row(answers, number), alone) for number in {0, 1, rows - 1})
    return 1, True


def _affordable(took_s: float) -> int:
    return max(1, int(CALL_S / max(took_s, 1e-6)))


def _repeated(one: Tensors, rows: int) -> Tensors:
    return {name: np.repeat(array, rows, axis=0) for name, array in one.items()}


def _first_row(inputs: Tensors) -> Tensors:
    return {name: array[:1] for name, array in inputs.items()}


def _row(outputs: Tensors, number: int) -> Tensors:
    return {name: array[number : number + 1] for name, array in outputs.items()}


def _stand_alone(runtime: Runtime, rows: Sequence[Tensors]) -> bool:
    """Whether each of *rows* is answered among the others as it is alone."""
    try:
        together = _ask(runtime, join(rows))
    except _Raised:
        return False
    return all(same(_row(together, number), _ask(runtime, row)) for number, row in enumerate(rows))


def _others(
    signature: Signature, runtime: Runtime, one: Tensors, others: Sequence[Tensors]
) -> Iterator[Tensors]:
    """Rows that are not *one*, and that the model answers."""
    for row in (*others, *variations(signature, one)):
        if all(np.array_equal(array, one[name]) for name, array in row.items()):
            continue
        try:
            _ask(runtime, row)
        except _Raised:
            continue
        yield row
