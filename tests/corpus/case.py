"""A model as people save it: what makes its file, what is asked, and the library's own answer."""

import json
import warnings
from dataclasses import dataclass, field

import numpy as np

CASES = {}


@dataclass
class Made:
    """Files to add, a request, and the answers that the library itself gives to its rows."""

    files: list
    request: dict
    answers: list


@dataclass
class Case:
    name: str
    kind: str
    make: object
    flags: list = field(default_factory=list)
    refused: str = ""
    module: str = ""


def case(kind, *flags, refused="", name=""):
    """A function from a folder to what it Made there; *refused* is in the sentence, if it is."""

    def keep(make):
        called = name or make.__name__.replace("_", "-")
        assert called not in CASES, called
        CASES[called] = Case(called, kind, make, list(flags), refused, make.__module__)
        return make

    return keep


def save(folder, model, how="joblib"):
    path = folder / f"model.{how}"
    if how == "skops":
        from skops.io import dump
    elif how in {"pkl", "pickle", "sav"}:
        import pickle

        path.write_bytes(pickle.dumps(model))
        return path
    else:
        from joblib import dump
    dump(model, path)
    return path


def rows_of(table):
    """As DataFrame.to_json writes them; of an array, as a list."""
    if hasattr(table, "to_json"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return {"rows": json.loads(table.to_json(orient="records"))}
    if isinstance(table, np.ndarray) and table.dtype == object:
        return {"rows": [{f"x{i}": value for i, value in enumerate(row)} for row in table.tolist()]}
    if isinstance(table, list):
        return {"rows": [{"text": text} for text in table]}
    array = np.asarray(table, float)
    if array.shape[1:] == (1,):
        return {"rows": [{"X": value} for value in array[:, 0].tolist()]}
    return {"X": array.tolist()}


def answers_of(model, table):
    """What the estimator answers, as the service words it."""
    if not hasattr(model, "predict"):
        return [{"value": row} for row in _plain(model.transform(table))]
    predicted = _plain(model.predict(table))
    classes = getattr(model, "classes_", None)
    if classes is None or len(classes) == 0:
        return [{"value": one(value)} for value in predicted]
    if isinstance(classes, list) and hasattr(model, "predict_proba"):
        scores = model.predict_proba(table)
        if isinstance(scores, np.ndarray):  # a chain's
            scores = [np.column_stack([1 - column, column]) for column in scores.T]
        by_target = [
            [scored(labels, row) for row in target]
            for labels, target in zip(classes, scores, strict=True)
        ]
        return [
            {f"target_{number}": answer for number, answer in enumerate(row, 1)}
            for row in zip(*by_target, strict=True)
        ]
    labels = [str(label) for label in np.asarray(classes).tolist()]
    if isinstance(predicted[0], list) and len(predicted[0]) == len(labels) > 1:
        said = [
            {"labels": [label for label, on in zip(labels, row, strict=True) if on]}
            for row in predicted
        ]
    else:
        said = [{"label": str(one(value))} for value in predicted]
    if hasattr(model, "predict_proba"):
        for answer, row in zip(said, model.predict_proba(table), strict=True):
            answer["scores"] = dict(zip(labels, map(float, row), strict=True))
    return said


def scored(labels, row):
    scores = dict(zip(map(str, labels), map(float, row), strict=True))
    return {"label": max(scores, key=scores.get), "scores": scores}


def one(value):
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _plain(answer):
    return np.asarray(answer.toarray() if hasattr(answer, "toarray") else answer).tolist()


def of_estimator(folder, model, table, target=None, *, ask=None, how="joblib", files=()):
    """Fit, save, and answer the first rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(table) if target is None else model.fit(table, target)
        ask = table[:4] if ask is None else ask
        return Made([save(folder, model, how), *files], rows_of(ask), answers_of(model, ask))


def differences(answered, expected, at=""):
    """Where an answer is not the expected one, in words."""
    if isinstance(expected, dict):
        for key, value in expected.items():
            if not isinstance(answered, dict) or key not in answered:
                yield f"{at}: no {key!r} in {str(answered)[:80]}"
            else:
                yield from differences(answered[key], value, f"{at}/{key}")
    elif isinstance(expected, (list, tuple)):
        if not isinstance(answered, list) or len(answered) != len(expected):
            yield f"{at}: {str(answered)[:60]} for {str(expected)[:60]}"
            return
        for number, (own, other) in enumerate(zip(answered, expected, strict=True)):
            yield from differences(own, other, f"{at}/{number}")
    elif isinstance(expected, float) and isinstance(answered, (int, float)):
        if not np.isclose(answered, expected, rtol=2e-4, atol=2e-5):
            yield f"{at}: {answered} for {expected}"
    elif answered != expected:
        yield f"{at}: {answered!r} for {expected!r}"
