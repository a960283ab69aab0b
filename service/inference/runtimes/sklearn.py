"""
Fitted scikit-learn pipelines, from skops files, or from pickles where model.toml allows them.

A skops file cannot run code when it is opened; a pickle can do anything the service can.
"""

import gzip
import logging
import lzma
import pickle
import warnings
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import joblib
import numpy as np
from skops import io as skops

from config import machine
from service.errors import InvalidModel
from service.inference.runtimes.column import as_said, as_shown
from service.inference.runtimes.column_trials import Trial, settle
from service.inference.runtimes.estimator_answers import EstimatorAnswers
from service.inference.runtimes.own_code import opened_with
from service.inference.runtimes.sklearn_columns import columns_of
from service.inference.tensors import Tensors, TensorSpec

# The one input of a pipeline that was fitted on an array without names.
MATRIX, TEXTS = "X", "text"

# What XGBoost and LightGBM call a model that is no estimator: it takes tables of their own.
BOOSTER = "Booster"

# A dtype holds no code; skops 0.16 does not know it, and every OneHotEncoder has one.
SAFE = frozenset({"numpy.dtype"})

# A forest of 300 trees has 4.5 MB of schema, and takes some ten times as much while it is read.
SCHEMA, SCHEMA_LIMIT_BYTES = "schema.json", 64 << 20

# What pickle and the compressions raise of bytes that they did not write, or not all of.
UNREADABLE = (pickle.UnpicklingError, EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)

log = logging.getLogger(__name__)


class SklearnRuntime:
    """
    A Runtime over one fitted estimator.

    *example* is a row of the columns as it may be sent; *decided* names the columns whose dtype
    was found by trying, for nothing remembers it.
    """

    def __init__(
        self,
        artefact: Path,
        *,
        allow_pickle: bool = False,
        trusted: Sequence[str] = (),
        columns: Mapping[str, Mapping[str, Any]] | None = None,
        example: Mapping[str, Any] | None = None,
        shown: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """
        Take *columns* as model.toml says of them, `dtype` and `categories`; *example* is a row.

        *shown* are the same, of rows as they will be sent, for columns of which nothing is known.
        Raises InvalidModel for types that are not *trusted*, for a pickle unless allowed, and for
        an estimator that answers no example.
        """
        estimator = opened_with(
            artefact, lambda: _load(artefact, trusted, allow_pickle=allow_pickle)
        )
        methods = {name for name in ("predict", "transform", "fit") if hasattr(estimator, name)}
        if not methods or type(estimator).__name__ == BOOSTER:
            raise InvalidModel(f"{artefact.name} holds {_holding(estimator)}")
        # A plain array has no names, which is all that this warns of; the order is the same.
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        warnings.filterwarnings("ignore", "X has feature names, but")
        said, row = columns or {}, example or {}
        found, self.ignored = columns_of(estimator)
        known = [as_said(each, said.get(each.name, {}), row.get(each.name)) for each in found]
        open_names = [each.name for each in known if not each.dtype]
        known = [as_shown(each, (shown or {}).get(each.name, {})) for each in known]
        trial = settle(estimator, known, open_names) if known else _of_one_input(estimator)
        self.inputs, self._table, self._answers = trial.inputs, trial.table, trial.answers
        self.example = {each.name: each.example for each in trial.columns}
        self.decided = {each.name: each for each in trial.columns if each.name in open_names}
        self.outputs = self._answers.specs

    def predict(self, inputs: Tensors) -> Tensors:
        """Ask the estimator once about all rows of *inputs*."""
        return self._answers.answer(self._table(inputs))


def _of_one_input(estimator: Any) -> Trial:
    """An estimator that was fitted on an array without names, or on a list of texts."""
    wide = getattr(estimator, "n_features_in_", None)
    matrix = TensorSpec(MATRIX, np.dtype("float64"), (-1, wide or 1))
    spec, answers = matrix, None
    if wide is None:  # a vectorizer of texts does not count features
        texts = TensorSpec(TEXTS, np.dtype("object"), (-1,))
        with suppress(ValueError, TypeError):
            spec, answers = texts, EstimatorAnswers(estimator, np.array(["text"], object))
    if answers is None:
        spec, answers = matrix, EstimatorAnswers(estimator, np.zeros([1, wide or 1]))
    return Trial((), {spec.name: spec}, lambda inputs: inputs[spec.name], answers)


def _holding(found: Any) -> str:
    """What a file holds that is no estimator, and what to save instead."""
    kind = type(found).__name__
    if kind == BOOSTER:
        return "a Booster; save it in the library's own format: booster.save_model(…)"
    if isinstance(found, Mapping):
        keys = [str(key) for key, value in found.items() if hasattr(value, "predict")]
        if keys:
            return (
                f"a dict; save what is under {keys[0]!r} alone: joblib.dump(saved[{keys[0]!r}], …)"
            )
        return "a dict, and no fitted estimator in it"
    if isinstance(found, (list, tuple)):
        return f"a {kind} of {len(found)}; save the fitted estimator alone"
    return f"a {kind}, which has no predict(); save the fitted estimator"


def unknown_types(artefact: Path) -> list[str]:
    """Name the types in a skops file that are not known to be safe. Raises InvalidModel."""
    _check_size(artefact)
    return sorted(set(skops.get_untrusted_types(file=artefact)) - SAFE)


def _check_size(artefact: Path) -> None:
    """Refuse what a small skops file would become when it is unpacked."""
    with ZipFile(artefact) as packed:
        sizes_bytes = {member.filename: member.file_size for member in packed.infolist()}
    for what, size_bytes, limit_bytes in (
        (f"{artefact.name}: its {SCHEMA}", sizes_bytes.get(SCHEMA, 0), SCHEMA_LIMIT_BYTES),
        (artefact.name, sum(sizes_bytes.values()), machine.memory_bytes()),
    ):
        if size_bytes > limit_bytes:
            raise InvalidModel(
                f"{what} unpacks to {size_bytes} bytes, and at most {limit_bytes} are read"
            )


def _load(artefact: Path, trusted: Sequence[str], *, allow_pickle: bool) -> Any:
    if artefact.suffix == ".skops":
        unknown = [name for name in unknown_types(artefact) if name not in trusted]
        if unknown:
            raise InvalidModel(
                f"{artefact.name} holds types that skops does not know to be safe: "
                f"{', '.join(unknown)}; if you trust them, type: add {artefact.name} --trust, or "
                f"say it in model.toml: trusted = {unknown}"
            )
        return skops.load(artefact, trusted=[*SAFE, *trusted])
    if not allow_pickle:
        raise InvalidModel(
            f"{artefact.name} is a pickle, which may run any code when it is opened; if you trust "
            f"it, type: add {artefact.name} --trust, or say allow_pickle = true in model.toml; a "
            "file that skops.io.dump wrote cannot run code"
        )
    log.warning("%s is a pickle, and model.toml allows it to run code", artefact)
    try:
        return joblib.load(artefact)
    except UNREADABLE as error:
        raise InvalidModel(
            f"{artefact.name} is no pickle that can be read to its end; save or copy it again"
        ) from error
