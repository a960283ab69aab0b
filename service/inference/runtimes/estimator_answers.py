"""What an estimator is asked for, and the arrays in which its answer is said."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import InvalidModel
from service.inference.tensors import Tensors, TensorSpec

# Libraries whose predict() is the class of the greatest probability, and their classes in which
# it is not: a threshold of its own, or scores that the probabilities were fitted to later.
BY_PROBABILITY = {"sklearn", "xgboost", "lightgbm", "catboost"}
BY_THEMSELVES = {
    "SVC", "NuSVC", "OneVsRestClassifier", "TunedThresholdClassifierCV", "FixedThresholdClassifier",
}  # fmt: skip
LAST = ("best_estimator_", "final_estimator_", "_final_estimator", "estimator_", "estimator")

FLOAT, OBJECT = np.dtype("float64"), np.dtype(object)

# They learn and answer in one step: of rows that they have not seen they know nothing.
AT_ONCE = "{0} answers only the rows that it was fitted on (fit_predict), and no others"
NOTHING = "{0} has no predict() and no transform(): it answers nothing"


class EstimatorAnswers:
    """
    The outputs of one estimator.

    A classifier with probabilities answers `probabilities`, its classes as labels, and a `label`
    where that is not the likeliest; of several targets, one such output for each. A multilabel one
    answers `labels`, true where one applies, besides. Everything else is `value`, a class `label`.
    """

    def __init__(self, estimator: Any, table: Any) -> None:
        """Ask about the one row of *table*, too. Raises InvalidModel for what cannot answer."""
        self._ask = _asking(estimator, table)
        answered = self._ask(table)
        self.specs = {
            name: TensorSpec(name, array.dtype, (-1, *array.shape[1:]), columns)
            for name, (array, columns) in answered.items()
        }
        self.is_finite = all(
            np.isfinite(array).all() for array, _ in answered.values() if array.dtype.kind in "fc"
        )

    def answer(self, table: Any) -> Tensors:
        """Ask about every row of *table*; classes are answered as strings."""
        return {name: array for name, (array, _) in self._ask(table).items()}


Named = Mapping[str, tuple[NDArray[Any], tuple[str, ...]]]
Ask = Callable[[Any], Named]


def _asking(estimator: Any, table: Any) -> Ask:
    """What asks the estimator, once it is known what it answers to the row of *table*."""
    if not hasattr(estimator, "predict"):
        return _transforming(estimator)
    classes = getattr(estimator, "classes_", None)
    if classes is not None and len(classes) == 0:  # a regressor of CatBoost's
        classes = None
    has_scores = classes is not None and hasattr(estimator, "predict_proba")
    if has_scores and isinstance(classes, list):
        return _of_targets(estimator, classes)
    if isinstance(classes, (np.ndarray, list)):
        labels = tuple(str(label) for label in np.asarray(classes).tolist())
        decided = _array(estimator.predict(table))
        if decided.ndim == 2 and decided.shape[1] == len(labels) > 1:
            return _multilabel(estimator, labels, has_scores=has_scores)
        if has_scores:
            return _likeliest(estimator, labels)
        if decided.ndim == 1 or decided.shape[1] == 1:
            return lambda rows: {"label": (_words(estimator.predict(rows)), ())}
    return lambda rows: {"value": (_array(estimator.predict(rows)), ())}


def _likeliest(estimator: Any, labels: tuple[str, ...]) -> Ask:
    decides = _decides_by_itself(estimator)

    def ask(rows: Any) -> Named:
        scores = np.asarray(estimator.predict_proba(rows), FLOAT)
        if not decides:
            return {"probabilities": (scores, labels)}
        return {
            "label": (_words(estimator.predict(rows)), ()),
            "probabilities": (scores, labels),
        }

    return ask


def _multilabel(estimator: Any, labels: tuple[str, ...], *, has_scores: bool) -> Ask:
    def ask(rows: Any) -> Named:
        decided = _array(estimator.predict(rows)).astype(bool)
        if not has_scores:
            return {"labels": (decided, labels)}
        scores = np.asarray(estimator.predict_proba(rows), FLOAT)
        return {"labels": (decided, labels), "probabilities": (scores, labels)}

    return ask


def _of_targets(estimator: Any, classes: Sequence[Any]) -> Ask:
    named = [tuple(str(label) for label in np.asarray(each).tolist()) for each in classes]

    def ask(rows: Any) -> Named:
        scores = estimator.predict_proba(rows)
        if isinstance(scores, np.ndarray):  # a chain's: of each target how much it is the second
            scores = [np.column_stack([1 - column, column]) for column in scores.T]
        return {
            f"target_{number}": (np.asarray(each, FLOAT), labels)
            for number, (each, labels) in enumerate(zip(scores, named, strict=True), 1)
        }

    return ask


def _transforming(estimator: Any) -> Ask:
    name = type(estimator).__name__
    if hasattr(estimator, "transform"):
        return lambda rows: {"value": (_array(estimator.transform(rows)), ())}
    raise InvalidModel((AT_ONCE if hasattr(estimator, "fit_predict") else NOTHING).format(name))


def _decides_by_itself(estimator: Any) -> bool:
    """Whether the class that it predicts may be another than the likeliest."""
    last = estimator
    while last is not None:
        kind = type(last)
        if kind.__name__ in BY_THEMSELVES or kind.__module__.split(".")[0] not in BY_PROBABILITY:
            return True
        last = next((getattr(last, name) for name in LAST if _has(last, name)), None)
    return False


def _has(estimator: Any, name: str) -> bool:
    return hasattr(getattr(estimator, name, None), "predict")


def _words(decided: Any) -> NDArray[Any]:
    words: NDArray[Any] = np.empty(len(decided), OBJECT)
    words[:] = [str(label) for label in np.ravel(_array(decided)).tolist()]
    return words


def _array(answer: Any) -> NDArray[Any]:
    """An array of what may be a frame, a sparse matrix, or strings of pandas' own."""
    dense = answer.toarray() if hasattr(answer, "toarray") else answer
    array = np.asarray(dense)
    return array.astype(OBJECT) if array.dtype.kind in "UTS" else array
