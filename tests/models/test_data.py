"""`add --data`: what rows as they will be sent tell, and what is refused because of them."""

import json

import numpy as np
import pytest

from service.errors import InvalidModel
from service.inference.manifest.reading import read_manifest
from service.models import add
from tests.conftest import PROJECT, framework

framework("skops", "make install-sklearn")

import joblib
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from tests.corpus import tables
from tests.corpus.frames import year_and_hour


@pytest.fixture
def adding(tmp_path):
    (tmp_path / "models").mkdir()

    def run(model, data, **asked):
        file = model
        if not isinstance(model, type(tmp_path)):
            file = tmp_path / "model.joblib"
            joblib.dump(model, file)
        rows = tmp_path / "rows.csv"
        data.to_csv(rows, index=False)
        add.run(tmp_path / "models", [file], name="m", data=rows, trust=True, **asked)
        return read_manifest(tmp_path / "models/m")

    return run


def test_types_are_those_of_the_rows_where_the_model_remembers_none(adding):
    table = tables.JOINED[["joined", "seen"]]
    model = make_pipeline(FunctionTransformer(year_and_hour), Ridge()).fit(table, tables.AMOUNT)
    sent = table.head(3).assign(joined=table["joined"].dt.strftime("%Y-%m-%d"))

    told = adding(model, sent)

    assert told.inputs["joined"].dtype == "datetime"
    assert told.inputs["seen"].dtype == "datetime[UTC]"
    assert json.loads(told.example.read_text())["joined"] == sent["joined"].iloc[0]


def test_the_example_is_a_row_of_them_and_what_was_seen_is_a_comment(adding, tmp_path, capsys):
    model = make_pipeline(tables.mixed(gaps=True), LogisticRegression())
    told = adding(model.fit(tables.GAPS, tables.ANSWER), tables.GAPS.head(9))

    row = json.loads(told.example.read_text())
    assert row["city"] in {"Oslo", "Rome", "Paris"}
    assert set(row) == {"age", "income", "city"}
    assert told.inputs["income"].column.optional
    assert "# seen: " in (tmp_path / "models/m/model.toml").read_text()
    assert "optional: age, income, city" in capsys.readouterr().out


def test_columns_of_a_matrix_get_their_names(adding):
    matrix = tables.PEOPLE[["age", "income"]].to_numpy(float)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(matrix, tables.ANSWER)

    told = adding(model, tables.PEOPLE[["age", "income"]].head(3))

    assert [column.name for column in told.inputs["X"].columns] == ["age", "income"]


def test_an_onnx_matrix_gets_them_too(adding):
    iris = PROJECT / "config/models/iris/model.onnx"
    data = pd.DataFrame(np.ones([2, 4]), columns=["a", "b", "c", "d"])

    assert [column.name for column in adding(iris, data).inputs["measurements"].columns] == [
        *"abcd"
    ]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (["age"], "no column 'income', which the model takes; it has age"),
        (["age", "income"], None),
        (["age", "income", "member"], None),
    ],
)
def test_columns_that_are_missing_are_named(adding, columns, said):
    table = tables.PEOPLE[["age", "income"]]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(table, tables.ANSWER)

    if said is None:
        assert set(adding(model, tables.PEOPLE[columns].head(3)).inputs) == {"age", "income"}
    else:
        with pytest.raises(InvalidModel, match=said):
            adding(model, tables.PEOPLE[columns].head(3))


def test_rows_without_what_the_model_needs_are_refused(adding, tmp_path):
    table = tables.PEOPLE[["age", "income"]]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(table, tables.ANSWER)

    with pytest.raises(InvalidModel, match="lacks values of income"):
        adding(model, tables.GAPS[["age", "income"]].head(20))
    assert list((tmp_path / "models").iterdir()) == []


def test_what_may_be_missing_is_found_without_data(tmp_path):
    (tmp_path / "models").mkdir()
    file = tmp_path / "plain.joblib"
    table = tables.GAPS[["age", "income"]]
    joblib.dump(
        make_pipeline(SimpleImputer(), LogisticRegression()).fit(table, tables.ANSWER), file
    )

    add.run(tmp_path / "models", [file], name="plain", trust=True)

    said = read_manifest(tmp_path / "models/plain").inputs
    assert all(entry.column.optional for entry in said.values())
