"""Pipelines as people train them, opened from what they save."""

import logging
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest

from config import machine
from service.errors import InvalidModel
from service.inference import runtimes
from tests.conftest import framework

INSTALL = "make install-sklearn"
framework("sklearn", INSTALL)
framework("skops", INSTALL)
pd = framework("pandas", INSTALL)

import joblib
from sklearn.cluster import DBSCAN
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)
from sklearn.svm import LinearSVC
from skops.io import dump

ROWS = 120
RANDOM = np.random.default_rng(0)
PEOPLE = pd.DataFrame(
    {
        "id": range(ROWS),
        "age": RANDOM.integers(18, 80, ROWS),
        "income": RANDOM.normal(30_000, 8_000, ROWS),
        "city": RANDOM.choice(["Oslo", "Paris", "Rome"], ROWS),
        "member": RANDOM.random(ROWS) > 0.5,
        "size": RANDOM.choice(["L", "M", "S"], ROWS),
    }
)
BUYS = np.where(PEOPLE.age > 40, "yes", "no")
MEASURES = PEOPLE[["age", "income"]].to_numpy()


@pytest.fixture
def opened(tmp_path):
    """Save a fitted estimator and open it as the service does."""

    def open_saved(estimator, save=dump, name="model.skops", **options):
        save(estimator, tmp_path / name)
        return runtimes.open_runtime("sklearn", tmp_path / name, options)

    return open_saved


@pytest.fixture(scope="module")
def shop():
    """A pipeline on columns of several types, one of which it drops."""
    columns = make_column_transformer(
        (StandardScaler(), ["income", "age"]),
        (OneHotEncoder(), ["city", "member"]),
        (
            make_pipeline(
                SimpleImputer(strategy="most_frequent"),
                OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
            ),
            ["size"],
        ),
    )
    return make_pipeline(columns, LogisticRegression(max_iter=500)).fit(PEOPLE, BUYS)


def batch(frame, runtime):
    return {
        name: frame[name].to_numpy().astype(spec.datatype) for name, spec in runtime.inputs.items()
    }


def test_columns_types_and_categories_are_read_from_the_pipeline(opened, shop):
    runtime = opened(shop)

    specs = runtime.inputs
    assert list(specs) == ["age", "income", "city", "member", "size"]
    assert [spec.said_as or spec.datatype.name for spec in specs.values()] == [
        "float64", "float64", "string", "bool", "string",
    ]  # fmt: skip
    assert specs["city"].categories == ("Oslo", "Paris", "Rome")
    assert specs["size"].categories == ()  # it takes others as well
    assert all(spec.shape == (-1,) for spec in specs.values())
    assert runtime.example["size"] in set(PEOPLE["size"])
    assert 18 < runtime.example["age"] < 80


def test_the_answer_is_the_pipeline_s_own(opened, shop):
    runtime = opened(shop)

    answer = runtime.predict(batch(PEOPLE, runtime))["probabilities"]

    assert runtime.outputs["probabilities"].columns == ("no", "yes")
    np.testing.assert_allclose(answer, shop.predict_proba(PEOPLE))


def test_one_numeric_frame_needs_no_frame(opened):
    frame = PEOPLE[["age", "income"]]
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, BUYS)
    runtime = opened(pipeline)

    answer = runtime.predict(batch(frame, runtime))["probabilities"]

    np.testing.assert_allclose(answer, pipeline.predict_proba(frame))


def test_an_array_without_names_is_one_matrix(opened):
    pipeline = make_pipeline(StandardScaler(), Ridge()).fit(MEASURES, MEASURES * 2)
    runtime = opened(pipeline)

    assert runtime.inputs["X"].shape == (-1, 2)
    assert runtime.outputs["value"].shape == (-1, 2)
    np.testing.assert_allclose(runtime.predict({"X": MEASURES})["value"], MEASURES * 2, rtol=0.05)


def test_texts_are_strings(opened):
    said = ["a good film", "a bad film", "so good", "so bad"] * 5
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(said, [1, 0] * 10)
    runtime = opened(pipeline)

    assert runtime.inputs["text"].datatype.kind == "O"
    answer = runtime.predict({"text": np.array(["good", "bad"], object)})["probabilities"]
    assert runtime.outputs["probabilities"].columns == ("0", "1")
    assert answer.argmax(axis=1).tolist() == [1, 0]


def test_a_classifier_without_probabilities_answers_the_label(opened):
    shares = MEASURES / MEASURES.max(axis=0)
    runtime = opened(LinearSVC().fit(shares, PEOPLE.age > 40))

    assert runtime.outputs["label"].datatype.kind == "O"
    assert set(runtime.predict({"X": shares})["label"]) <= {"True", "False"}


def double(values):
    return values * 2


def test_types_that_skops_does_not_know_are_named_and_may_be_trusted(opened):
    pipeline = make_pipeline(FunctionTransformer(double), Ridge()).fit(MEASURES, PEOPLE.age)
    name = f"{double.__module__}.double"

    with pytest.raises(InvalidModel) as raised:
        opened(pipeline)

    assert name in str(raised.value)
    assert "trusted = " in str(raised.value)
    assert opened(pipeline, trusted=[name]).inputs["X"].shape == (-1, 2)


def test_trees_are_trusted_by_name(opened):
    forest = RandomForestRegressor(3).fit(MEASURES, PEOPLE.age)
    trees = "sklearn.tree._tree.Tree"

    with pytest.raises(InvalidModel, match=trees):
        opened(forest)
    assert opened(forest, trusted=[trees]).outputs["value"].shape == (-1,)


@pytest.mark.parametrize(
    ("member", "size_mb", "limit_bytes"),
    [("schema.json", 65, 64 << 20), ("1.npy", 65, 60 << 20)],
)
def test_a_small_file_that_unpacks_to_much_is_refused_unread(
    tmp_path, monkeypatch, member, size_mb, limit_bytes
):
    monkeypatch.setattr(machine, "memory_bytes", lambda: 60 << 20)
    artefact = tmp_path / "model.skops"
    with ZipFile(artefact, "w", ZIP_DEFLATED) as packed, packed.open(member, "w") as written:
        for _ in range(size_mb):
            written.write(b"[" * (1 << 20))
    assert artefact.stat().st_size < 1 << 20

    with pytest.raises(InvalidModel, match=f"unpacks to {size_mb << 20} .* at most {limit_bytes}"):
        runtimes.open_runtime("sklearn", artefact, {})


def test_a_pickle_is_opened_only_where_it_is_allowed_and_the_log_says_so(opened, shop, caplog):
    with pytest.raises(InvalidModel, match="allow_pickle = true"):
        opened(shop, joblib.dump, "model.joblib")

    with caplog.at_level(logging.WARNING):
        runtime = opened(shop, joblib.dump, "model.joblib", allow_pickle=True)

    assert "model.joblib is a pickle" in caplog.text
    assert "city" in runtime.inputs


def test_what_learns_and_answers_in_one_step_is_refused(opened):
    with pytest.raises(InvalidModel, match="DBSCAN answers only the rows that it was fitted on"):
        opened(DBSCAN().fit(MEASURES))


def test_a_transformer_alone_answers_what_it_makes(opened):
    scaler = StandardScaler().fit(MEASURES)

    np.testing.assert_allclose(
        opened(scaler).predict({"X": MEASURES})["value"], scaler.transform(MEASURES)
    )
