"""ONNX files as skl2onnx and onnxmltools write them unless told otherwise."""

import locale
import warnings

import lightgbm
import numpy as np
import onnx
import pandas as pd
import skl2onnx
import xgboost
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as ToolsFloats
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from sklearn import (
    cluster,
    decomposition,
    ensemble,
    linear_model,
    multioutput,
    naive_bayes,
    neighbors,
    neural_network,
    preprocessing,
    svm,
    tree,
)  # fmt: skip
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

from tests.corpus.case import Made, answers_of, case

RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(80, 4)).astype(np.float32)
LABELS = np.array(["ham", "spam", "eggs"])[np.digitize(X[:, 0], [-0.5, 0.5])]
NUMBERED = np.digitize(X[:, 0], [-0.5, 0.5])
VALUES = (X @ [1.0, 2.0, -1.0, 0.5]).astype(np.float32)
PEOPLE = pd.DataFrame({"age": (40 + 9 * X[:, 0]).round(1), "city": ["Oslo", "Rome"] * 40})


def saved(folder, model, converted, ask=X[:4]):
    onnx.save(converted, folder / "model.onnx")
    (name,) = [each.name for each in converted.graph.input]
    return Made([folder / "model.onnx"], {name: ask.tolist()}, worded(answers_of(model, ask)))


def worded(answers):
    """Of clusters the graph answers distances as well, of which nothing is compared."""
    return [answer if "value" not in answer else {} for answer in answers]


def by_default(folder, model, target):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, target)
        return saved(folder, model, skl2onnx.to_onnx(model, X[:1]))


CLASSIFIERS = {
    "logistic": linear_model.LogisticRegression(),
    "forest": ensemble.RandomForestClassifier(5, random_state=0),
    "tree": tree.DecisionTreeClassifier(max_depth=4),
    "naive-bayes": naive_bayes.GaussianNB(),
    "neighbours": neighbors.KNeighborsClassifier(),
    "mlp": neural_network.MLPClassifier((6,), max_iter=30, random_state=0),
    "scaled": make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression()),
    "bagging": ensemble.BaggingClassifier(n_estimators=3, random_state=0),
}
for _name, _model in CLASSIFIERS.items():
    for _sort, _target in {"words": LABELS, "numbers": NUMBERED}.items():
        if _sort == "numbers" and _name not in {"logistic", "forest", "mlp"}:
            continue
        case("skl2onnx", name=f"skl2onnx-{_name}-{_sort}")(
            lambda folder, model=_model, target=_target: by_default(folder, model, target)
        )


@case("skl2onnx")
def skl2onnx_without_zipmap(folder):
    model = linear_model.LogisticRegression().fit(X, NUMBERED)
    plain = skl2onnx.to_onnx(model, X[:1], options={"zipmap": False})
    onnx.save(plain, folder / "model.onnx")
    answers = [
        {"label": int(label), "probabilities": scores.tolist()}
        for label, scores in zip(model.predict(X[:4]), model.predict_proba(X[:4]), strict=True)
    ]
    return Made([folder / "model.onnx"], {"X": X[:4].tolist()}, answers)


@case("skl2onnx")
def skl2onnx_columns(folder):
    """A pipeline over a frame: an input for each column, and ZipMap."""
    columns = make_column_transformer(
        (preprocessing.StandardScaler(), ["age"]), (preprocessing.OneHotEncoder(), ["city"])
    )
    model = make_pipeline(columns, linear_model.LogisticRegression()).fit(PEOPLE, LABELS)
    types = [("age", FloatTensorType([None, 1])), ("city", StringTensorType([None, 1]))]
    onnx.save(skl2onnx.convert_sklearn(model, "m", types), folder / "model.onnx")
    rows = {"rows": PEOPLE[:4].to_dict("records")}
    return Made([folder / "model.onnx"], rows, answers_of(model, PEOPLE[:4]))


def without_a_locale():
    """ONNX Runtime compares words by en_US, which slim images do not have."""
    try:
        locale.setlocale(locale.LC_CTYPE, "en_US.UTF-8")
    except locale.Error:
        return "localedef"
    locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    return ""


@case("skl2onnx", refused=without_a_locale())
def skl2onnx_text(folder):
    texts = ["a good film", "bad bad film", "good fun", "a bore"] * 5
    model = make_pipeline(TfidfVectorizer(), linear_model.LogisticRegression())
    model.fit(texts, ["up", "down"] * 10)
    types = [("text", StringTensorType([None]))]
    onnx.save(skl2onnx.convert_sklearn(model, "m", types), folder / "model.onnx")
    rows = {"rows": [{"text": text} for text in texts[:4]]}
    return Made([folder / "model.onnx"], rows, answers_of(model, texts[:4]))


REGRESSORS = {
    "linear": linear_model.LinearRegression(),
    "svr": svm.SVR(),
    "forest": ensemble.RandomForestRegressor(5, random_state=0),
    "many": multioutput.MultiOutputRegressor(linear_model.Ridge()),
}
for _name, _model in REGRESSORS.items():
    _target = np.column_stack([VALUES, -VALUES]) if _name == "many" else VALUES

    @case("skl2onnx", name=f"skl2onnx-{_name}-regressor")
    def _(folder, model=_model, target=_target):
        converted = skl2onnx.to_onnx(model.fit(X, target), X[:1])
        onnx.save(converted, folder / "model.onnx")
        predicted = model.predict(X[:4]).tolist()
        key = "variable" if target.ndim == 2 else "value"
        return Made([folder / "model.onnx"], {"X": X[:4].tolist()}, [{key: p} for p in predicted])


@case("skl2onnx")
def skl2onnx_k_means(folder):
    model = cluster.KMeans(3, n_init=2, random_state=0).fit(X)
    onnx.save(skl2onnx.to_onnx(model, X[:1]), folder / "model.onnx")
    answers = [
        {"label": int(label), "scores": distances.tolist()}
        for label, distances in zip(model.predict(X[:4]), model.transform(X[:4]), strict=True)
    ]
    return Made([folder / "model.onnx"], {"X": X[:4].tolist()}, answers)


@case("skl2onnx")
def skl2onnx_pca(folder):
    model = decomposition.PCA(2).fit(X)
    onnx.save(skl2onnx.to_onnx(model, X[:1]), folder / "model.onnx")
    answers = [{"variable": row} for row in model.transform(X[:4]).tolist()]
    return Made([folder / "model.onnx"], {"X": X[:4].tolist()}, answers)


@case("onnxmltools")
def onnxmltools_lightgbm(folder):
    model = lightgbm.LGBMClassifier(n_estimators=4, min_child_samples=2, verbose=-1)
    model.fit(X, NUMBERED)
    types = [("input", ToolsFloats([None, 4]))]
    return saved(folder, model, convert_lightgbm(model, initial_types=types))


@case("onnxmltools")
def onnxmltools_xgboost(folder):
    model = xgboost.XGBClassifier(n_estimators=4).fit(X, NUMBERED)
    types = [("input", ToolsFloats([None, 4]))]
    made = saved(folder, model, convert_xgboost(model, initial_types=types))
    for answer in made.answers:  # this converter writes no ZipMap
        scores = list(answer.pop("scores").values())
        answer |= {"label": int(answer["label"]), "probabilities": scores}
    return made


@case("skl2onnx")
def skl2onnx_whole_numbers(folder):
    whole = RANDOM.integers(0, 9, (40, 3))
    model = tree.DecisionTreeClassifier(max_depth=3).fit(whole, whole[:, 0] // 5)
    types = [("counts", Int64TensorType([None, 3]))]
    onnx.save(skl2onnx.convert_sklearn(model, "m", types), folder / "model.onnx")
    return Made(
        [folder / "model.onnx"], {"counts": whole[:4].tolist()}, answers_of(model, whole[:4])
    )
