"""Models that are made with code of one's own, which is added beside them."""

import importlib
import os
import subprocess
import sys

import numpy as np

from tests.corpus.case import Made, case

STEPS = '''
"""Steps of one's own."""
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin


class Clip(TransformerMixin, BaseEstimator):
    def __init__(self, most=1.0):
        self.most = most

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return np.clip(X, -self.most, self.most)


class Threshold(ClassifierMixin, BaseEstimator):
    """Its predict is not the likeliest class."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.n_features_in_ = X.shape[1]
        return self

    def predict_proba(self, X):
        p = 1 / (1 + np.exp(-X[:, 0]))
        return np.column_stack([1 - p, p])

    def predict(self, X):
        return self.classes_[(self.predict_proba(X)[:, 1] > 0.9).astype(int)]
'''
FIT = """
import sys
import joblib
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
{steps}
X = np.linspace(-3, 3, 40).reshape(20, 2)
model = make_pipeline({first}).fit(X, (X[:, 0] > 0).astype(int))
joblib.dump(model, sys.argv[1])
"""
X = np.linspace(-3, 3, 40).reshape(20, 2)


def fitted(folder, steps, first, **files):
    """Fitted by a script in *folder*, as people do it; what is asked of it here is told."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    (folder / "train.py").write_text(FIT.format(steps=steps, first=first))
    path = folder / "model.joblib"
    subprocess.run([sys.executable, "train.py", path], cwd=folder, check=True)
    return path


def expected(folder, module, make):
    sys.path.insert(0, str(folder))
    sys.modules.pop(module, None)
    own = importlib.import_module(module)
    model = make(own).fit(X, (X[:, 0] > 0).astype(int))
    sys.path.remove(str(folder))
    sys.modules.pop(module)
    return [
        {"label": str(label), "scores": {"0": float(row[0]), "1": float(row[1])}}
        for label, row in zip(model.predict(X[:4]), model.predict_proba(X[:4]), strict=True)
    ]


def clipped(own):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    return make_pipeline(own.Clip(), LogisticRegression())


@case("own code", "--trust")
def module_beside(folder):
    path = fitted(folder, "from clips_a import Clip", "Clip(), LogisticRegression()", clips_a=STEPS)
    answers = expected(folder, "clips_a", clipped)
    return Made([path, folder / "clips_a.py"], {"X": X[:4].tolist()}, answers)


@case("own code", "--trust", refused="clips_b.py")
def module_left_behind(folder):
    path = fitted(folder, "from clips_b import Clip", "Clip(), LogisticRegression()", clips_b=STEPS)
    return Made([path], {}, [])


@case("own code", "--trust", refused="a file of its own and add it beside")
def script_s_own_class(folder):
    path = fitted(folder, STEPS, "Clip(), LogisticRegression()")
    return Made([path], {}, [])


@case("own code", "--trust")
def script_s_own_class_beside(folder):
    path = fitted(folder, STEPS, "Clip(), LogisticRegression()")
    (folder / "clips_c.py").write_text(STEPS)
    answers = expected(folder, "clips_c", clipped)
    return Made([path, folder / "clips_c.py"], {"X": X[:4].tolist()}, answers)


@case("own code", "--trust")
def classifier_that_decides_by_itself(folder):
    path = fitted(folder, "from clips_d import Threshold", "Threshold()", clips_d=STEPS)
    answers = expected(folder, "clips_d", lambda own: own.Threshold())
    return Made([path, folder / "clips_d.py"], {"X": X[:4].tolist()}, answers)


CLASSES = {
    "array": ('return batch["x"] * 2', [{"value": 2.0}, {"value": 4.0}]),
    "dicts": (
        'return [{"label": "high" if x > 1 else "low", "x": float(x)} for x in batch["x"]]',
        [{"label": "low", "x": 1.0}, {"label": "high", "x": 2.0}],
    ),
    "frame": (
        'import pandas as pd\n        return pd.DataFrame({"a": batch["x"], "b": batch["x"] > 1})',
        [{"a": 1.0, "b": False}, {"a": 2.0, "b": True}],
    ),
    "ragged": (
        'return {"steps": [list(range(int(x))) for x in batch["x"]]}',
        [{"steps": [0]}, {"steps": [0, 1]}],
    ),
    "dates": (
        'import numpy as np\n        return np.datetime64("2026-01-01") + batch["x"].astype(int)',
        [{"value": "2026-01-02T00:00:00.000000"}, {"value": "2026-01-03T00:00:00.000000"}],
    ),
}
CLASS = """
class Model:
    example = {{"x": 1.0}}

    def load(self):
        self.calls = 0

    def predict(self, batch):
        {body}
"""


def of_class(folder, body, answers):
    (folder / "model.py").write_text(CLASS.format(body=body))
    return Made([folder / "model.py"], {"rows": [{"x": 1.0}, {"x": 2.0}]}, answers)


for _name, (_body, _answers) in CLASSES.items():
    case("Python classes", name=f"class-of-{_name}")(
        lambda folder, body=_body, answers=_answers: of_class(folder, body, answers)
    )

WRONG = {
    "one-row": ("return [1.0]", "when asked two together"),
    "nan": ('return batch["x"] * float("nan")', "no such number"),
    "object": ("return [object() for _ in batch['x']]", "nothing that JSON holds"),
    "error": ('raise KeyError("weights")', "weights"),
}
for _name, (_body, _refused) in WRONG.items():
    case("Python classes", name=f"class-of-wrong-{_name}", refused=_refused)(
        lambda folder, body=_body: of_class(folder, body, [])
    )

LAYER = """
import keras


@keras.saving.register_keras_serializable("weir-corpus")
class Doubled(keras.layers.Layer):
    def call(self, x):
        return x * 2
"""


@case("own code")
def keras_layer_beside(folder):
    os.environ["KERAS_BACKEND"] = "openvino"
    import keras

    (folder / "doubled.py").write_text(LAYER)
    sys.path.insert(0, str(folder))
    own = importlib.import_module("doubled")
    keras.Sequential([keras.Input((3,), name="x"), own.Doubled(name="y")]).save(
        folder / "model.keras"
    )
    sys.path.remove(str(folder))
    sys.modules.pop("doubled")
    keras.saving.get_custom_objects().pop("weir-corpus>Doubled")
    answers = [{"y": [2.0, 4.0, 6.0]}]
    return Made([folder / "model.keras", folder / "doubled.py"], {"x": [[1.0, 2.0, 3.0]]}, answers)
