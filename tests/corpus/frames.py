"""Pipelines that were fitted on data frames: awkward names, types and missing values."""

import numpy as np
import pandas as pd
from sklearn import ensemble, linear_model, multioutput, neighbors
from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
    TargetEncoder,
)  # fmt: skip

from tests.corpus.case import case, of_estimator
from tests.corpus.tables import (
    AMOUNT,
    ANSWER,
    CATEGORIES,
    CITIES,
    GAPS,
    JOINED,
    NUMBERS,
    PEOPLE,
    RANDOM,
    N,
    mixed,
)  # fmt: skip


def year_and_hour(frame):
    return pd.DataFrame({"year": frame["joined"].dt.year, "hour": frame["seen"].dt.hour})


def shouted(frame):
    return frame.assign(city=frame["city"].str.upper())


PIPELINES = {
    "columns": (make_pipeline(mixed(), LogisticRegression()), PEOPLE),
    "columns-strict": (make_pipeline(mixed(handle_unknown="error"), LogisticRegression()), PEOPLE),
    "columns-gaps": (make_pipeline(mixed(gaps=True), LogisticRegression()), GAPS),
    "grid-over-columns": (
        GridSearchCV(
            make_pipeline(mixed(), LogisticRegression()), {"logisticregression__C": [1, 9]}, cv=2
        ),
        PEOPLE,
    ),
    "grid-over-gaps": (
        GridSearchCV(
            make_pipeline(mixed(gaps=True), ensemble.RandomForestClassifier(5, random_state=0)),
            {"randomforestclassifier__max_depth": [2, 3]},
            cv=2,
        ),
        GAPS,
    ),
    "bagging-over-columns": (
        ensemble.BaggingClassifier(neighbors.KNeighborsClassifier(), 3, random_state=0),
        PEOPLE[NUMBERS],
    ),
    "voting-over-columns": (
        ensemble.VotingClassifier(
            [
                ("a", make_pipeline(mixed(), LogisticRegression())),
                ("b", make_pipeline(mixed(), ensemble.RandomForestClassifier(5, random_state=0))),
            ],
            voting="soft",
        ),
        PEOPLE,
    ),
    "stacking-over-columns": (
        ensemble.StackingClassifier([("a", make_pipeline(mixed(), LogisticRegression()))], cv=2),
        PEOPLE,
    ),
    "ordinal": (
        make_pipeline(
            make_column_transformer(
                (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["city"]),
                remainder="passthrough",
            ),
            ensemble.RandomForestClassifier(5, random_state=0),
        ),
        PEOPLE,
    ),
    "selected-by-dtype": (
        make_pipeline(
            make_column_transformer(
                (StandardScaler(), make_column_selector(dtype_include="number")),
                (OneHotEncoder(), make_column_selector(dtype_exclude=["number", "bool"])),
            ),
            LogisticRegression(),
        ),
        PEOPLE,
    ),
    "pandas-output": (
        make_pipeline(
            mixed(sparse_output=False).set_output(transform="pandas"), LogisticRegression()
        ),
        PEOPLE,
    ),
    "target-encoder": (
        make_pipeline(
            make_column_transformer((TargetEncoder(random_state=0), ["city"]), remainder="drop"),
            LogisticRegression(),
        ),
        PEOPLE,
    ),
    "bins": (
        make_pipeline(
            make_column_transformer(
                (KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf"), ["age"]),
                (OneHotEncoder(), ["city"]),
            ),
            LogisticRegression(),
        ),
        PEOPLE,
    ),
    "histogram-categories": (
        HistGradientBoostingClassifier(max_iter=5, categorical_features="from_dtype"),
        CATEGORIES,
    ),
    "histogram-gaps": (HistGradientBoostingClassifier(max_iter=5), GAPS[NUMBERS]),
    "knn-imputer": (make_pipeline(KNNImputer(), LogisticRegression()), GAPS[NUMBERS]),
    "indicator": (
        make_pipeline(SimpleImputer(add_indicator=True), LogisticRegression()),
        GAPS[NUMBERS],
    ),
    "one-hot-categories": (make_pipeline(mixed(), LogisticRegression()), CATEGORIES),
    "one-hot-of-whole-numbers": (
        make_pipeline(
            make_column_transformer((OneHotEncoder(), ["rooms"]), (StandardScaler(), ["age"])),
            LogisticRegression(),
        ),
        PEOPLE.assign(rooms=RANDOM.integers(1, 5, N)),
    ),
    "booleans": (
        make_pipeline(
            make_column_transformer((OneHotEncoder(), ["member"]), remainder="drop"),
            LogisticRegression(),
        ),
        PEOPLE,
    ),
    "boolean-as-number": (
        make_pipeline(StandardScaler(), LogisticRegression()),
        PEOPLE[["age", "member"]],
    ),
    "words-shouted": (
        make_pipeline(FunctionTransformer(shouted), mixed(), LogisticRegression()),
        PEOPLE,
    ),
    "logarithms": (
        make_pipeline(
            make_column_transformer((FunctionTransformer(np.log), ["income"]), remainder="drop"),
            LogisticRegression(),
        ),
        PEOPLE.assign(income=PEOPLE["income"].abs()),
    ),
    "review-and-numbers": (
        make_pipeline(
            ColumnTransformer(
                [("words", TfidfVectorizer(), "review"), ("n", StandardScaler(), NUMBERS)]
            ),
            LogisticRegression(),
        ),
        PEOPLE.assign(review=np.where(ANSWER == "yes", "a good film", "a bad one")),
    ),
    "nullable": (
        make_pipeline(SimpleImputer(), LogisticRegression()),
        GAPS[NUMBERS].convert_dtypes().astype({"age": "Float64"}),
    ),
    "two-targets": (
        make_pipeline(mixed(), multioutput.MultiOutputClassifier(LogisticRegression())),
        PEOPLE,
    ),
}
for _name, (_model, _table) in PIPELINES.items():
    _target = np.column_stack([ANSWER, CITIES]) if _name == "two-targets" else ANSWER
    case("frames", "--trust", name=_name)(
        lambda folder, model=_model, table=_table, target=_target: of_estimator(
            folder, model, table, target
        )
    )

OBJECTS = PEOPLE[["age", "city"]].to_numpy(object)


@case("frames", "--trust")
def array_of_objects(folder):
    """Without names: its columns are called as scikit-learn calls them."""
    columns = make_column_transformer((StandardScaler(), [0]), (OneHotEncoder(), [1]))
    model = make_pipeline(columns, LogisticRegression())
    return of_estimator(folder, model, OBJECTS, ANSWER)


@case("frames", "--trust")
def arrow_columns(folder):
    table = PEOPLE.convert_dtypes(dtype_backend="pyarrow")
    return of_estimator(folder, make_pipeline(mixed(), LogisticRegression()), table, ANSWER)


AWKWARD = PEOPLE[NUMBERS].set_axis(["Age (years)", "größe / m²"], axis=1)
NAMES = {
    "awkward-names": AWKWARD,
    "name-rows": PEOPLE[NUMBERS].set_axis(["rows", "msg"], axis=1),
    "name-of-space": PEOPLE[NUMBERS].set_axis([" ", "a.b[0]"], axis=1),
    "one-column": PEOPLE[["age"]],
    "many-columns": pd.DataFrame(RANDOM.normal(size=(N, 60)), columns=[f"x{i}" for i in range(60)]),
}
for _name, _table in NAMES.items():
    case("names", "--trust", name=_name)(
        lambda folder, table=_table: of_estimator(
            folder, make_pipeline(StandardScaler(), Ridge()), table, AMOUNT
        )
    )


@case("dates", "--trust")
def dates(folder):
    model = make_pipeline(FunctionTransformer(year_and_hour), LinearRegression())
    return of_estimator(folder, model, JOINED[["joined", "seen"]], AMOUNT)


@case("frames", "--trust")
def regression_of_categories(folder):
    model = HistGradientBoostingRegressor(max_iter=5, categorical_features="from_dtype")
    return of_estimator(folder, model, CATEGORIES, AMOUNT)


@case("frames", "--trust")
def elastic_net_of_named_columns(folder):
    return of_estimator(folder, linear_model.ElasticNetCV(cv=2), PEOPLE[NUMBERS], AMOUNT)
