"""From the arrays that a model answers to an answer in words."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import orjson
from numpy.typing import NDArray

from service.errors import InvalidModel, ModelFailed
from service.inference.manifest.manifest import Output
from service.inference.tensors import Tensors, TensorSpec

AnsweredRow: TypeAlias = dict[str, Any]

SCORE_DIGITS = 6

# So many labels are put in order by Python, quicker than by NumPy.
FEW = 16


class Naming:
    """
    What names the columns of a model's outputs.

    The first output that has labels decides the label, unless an output of one column whose name
    ends in `label` says it; the one with a `top` gives the ranking. Several with labels and no
    `top` are as many questions, each answered under its own name. Of an output of booleans all
    labels that are true apply. Without labels a column of strings is the label, and one number a
    row is the value; anything else bears its output's name. Outputs that model.toml leaves out,
    if it names any, are not answered.
    """

    def __init__(
        self, model: str, entries: Mapping[str, Output], specs: Mapping[str, TensorSpec]
    ) -> None:
        self._model = model
        self._answered = tuple(entries)
        self.labels = {name: _labels(name, entries, specs) for name in {**specs, **entries}}
        self._top = {name: output.top for name, output in entries.items() if output.top}
        labelled = [name for name in self._answered or self.labels if self.labels.get(name)]
        untopped = [name for name in labelled if name not in self._top]
        self._questions = tuple(untopped) if len(untopped) > 1 else ()
        applies = any(spec.datatype.kind == "b" for spec in specs.values())
        is_one_question = labelled and not self._questions and not applies and bool(specs)
        answered = self._answered or tuple(specs)
        self._one_question = labelled if is_one_question and set(labelled) == {*answered} else []

    def answered(self, outputs: Tensors) -> Tensors:
        """Those of *outputs* that are answered, in their order."""
        names = self._answered or tuple(outputs)
        return {name: outputs[name] for name in names}

    def answers(self, outputs: Tensors) -> list[AnsweredRow]:
        """Name each row of *outputs*. Raises ModelFailed for columns that no label fits."""
        if self._one_question:  # what most classifiers are
            return self._classified(self._one_question, outputs)
        columns = self.answered(outputs)
        names = tuple(columns)
        parts: list[list[AnsweredRow]] = []
        labelled = [name for name in names if self.labels.get(name)]
        applying = [name for name in labelled if columns[name].dtype.kind == "b"]
        if labelled:
            parts += self._labelled(labelled, applying, columns)
        others = [name for name in names if name not in labelled]
        is_label = _says if labelled else _is_words
        words = [name for name in others if is_label(name, columns[name])]
        for name in others:
            if labelled and name in words:
                parts.append([{"label": str(value)} for value in _values(columns[name])])
            else:
                key = self._key(name, words[:1], columns)
                parts.append([{key: value} for value in _values(columns[name])])
        return [_merged(row) for row in zip(*parts, strict=True)]

    def _labelled(
        self, labelled: list[str], applying: list[str], columns: Tensors
    ) -> Iterator[list[AnsweredRow]]:
        """The parts of the answer that outputs with labels give."""
        if applying:
            yield from map(self._applying, applying, [columns[name] for name in applying])
            for name in labelled:
                if name not in applying:
                    yield [{"scores": best} for best in self._ranked(name, columns[name])]
        elif self._questions:
            for name in self._questions:
                yield [{name: each} for each in self._classified([name], columns)]
        else:
            yield self._classified(labelled, columns)

    def _applying(self, name: str, column: NDArray[Any]) -> list[AnsweredRow]:
        labels = self.labels[name]
        return [
            {"labels": [label for label, applies in zip(labels, row, strict=True) if applies]}
            for row in self.scores(name, column).tolist()
        ]

    def _classified(self, names: list[str], columns: Tensors) -> list[AnsweredRow]:
        deciding = names[0]
        answers: list[AnsweredRow] = [
            {"label": next(iter(best)), "scores": best}
            for best in self._ranked(deciding, columns[deciding])
        ]
        ranking = next((name for name in names if name in self._top), None)
        if ranking:
            tops = self._ranked(ranking, columns[ranking], self._top[ranking])
            for answer, top in zip(answers, tops, strict=True):
                answer["top"] = [{"label": label, "score": top[label]} for label in top]
        return answers

    def _ranked(
        self, name: str, column: NDArray[Any], most: int | None = None
    ) -> Iterator[dict[str, float]]:
        """Each row's scores by label, best first; only the best *most* of them."""
        scores = self.scores(name, column)
        labels = self.labels[name]
        if len(labels) <= FEW:
            for row in scores.tolist():
                ranks = sorted(range(len(labels)), key=row.__getitem__, reverse=True)[:most]
                yield {labels[index]: round(row[index], SCORE_DIGITS) for index in ranks}
            return
        order = np.argsort(-scores, axis=1, kind="stable")[:, :most]
        rounded = scores.astype(np.float64).round(SCORE_DIGITS).tolist()
        for row, best in zip(rounded, order.tolist(), strict=True):
            yield {labels[index]: row[index] for index in best}

    @staticmethod
    def _key(name: str, words: list[str], columns: Tensors) -> str:
        if name in words:
            return "label"
        column = columns[name]
        alone = len(columns) == 1 and column.size == len(column)
        return "value" if alone and not isinstance(column.flat[0], (list, dict)) else name

    def scores(self, name: str, column: NDArray[Any]) -> NDArray[Any]:
        """
        A column for each label [n, labels] of the output *name*.

        Raises ModelFailed where the model has answered another number of columns.
        """
        wide = column.reshape(len(column), -1)
        labels = self.labels[name]
        if wide.shape[1] == 1 and len(labels) == 2:  # a sigmoid: how much it is the second
            wide = wide if wide.dtype.kind == "f" else wide.astype(np.float64)
            wide = np.concatenate([1 - wide, wide], axis=1)
        if wide.shape[1] != len(labels):
            raise ModelFailed(
                f"{self._model} answered {wide.shape[1]} columns of {name!r}, "
                f"which has {len(labels)} labels"
            )
        return wide


def _labels(
    name: str, entries: Mapping[str, Output], specs: Mapping[str, TensorSpec]
) -> tuple[str, ...]:
    """The names of the columns. Raises InvalidModel where model.toml contradicts the artefact."""
    said = entries[name].labels if name in entries else ()
    spec = specs.get(name)
    if spec is None:
        if specs:
            raise InvalidModel(
                f"model.toml names the output {name!r}, the artefact has {list(specs)}"
            )
        return said
    columns = spec.shape[-1] if len(spec.shape) > 1 else 1
    if said and columns >= 0 and len(said) != columns and (columns, len(said)) != (1, 2):
        raise InvalidModel(
            f"model.toml gives output {name!r} {len(said)} labels, "
            f"the artefact gives it {columns} columns"
        )
    return said or spec.columns


def _is_words(_name: str, column: NDArray[Any]) -> bool:
    if column.dtype.kind not in "OUT" or column.size != len(column):
        return False
    return column.dtype.kind != "O" or isinstance(column.flat[0], str)


def _says(name: str, column: NDArray[Any]) -> bool:
    """Whether this output names the class that others have scores of, as converters call it."""
    return (
        name.lower().endswith("label")
        and column.dtype.kind in "iuOUT"
        and column.size == len(column)
    )


def _values(column: NDArray[Any]) -> list[Any]:
    """The rows as JSON has them; a float32 as the shortest decimal that is this float32."""
    if column.ndim == 2 and column.shape[1] == 1:
        column = column[:, 0]
    if column.dtype.kind == "M":
        texts = column.astype("datetime64[us]").astype(str).astype(object)
        texts[np.isnat(column)] = None
        column = texts
    if column.dtype.kind == "f":
        packed = orjson.dumps(np.ascontiguousarray(column), option=orjson.OPT_SERIALIZE_NUMPY)
        values: list[Any] = orjson.loads(packed)
        return values
    plain: list[Any] = column.tolist()
    return plain


def _merged(parts: tuple[AnsweredRow, ...]) -> AnsweredRow:
    return parts[0] if len(parts) == 1 else {k: v for part in parts for k, v in part.items()}
