"""From a trained model to its predictions: add, restart, ask."""

import shutil
import subprocess
import sys

import pytest
import requests

from tests.conftest import PROJECT, framework
from tests.live.instance import Instance

TRAIN = """
import pandas as pd
from skops.io import dump
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

people = pd.DataFrame({"age": [22, 35, 58, 41] * 9, "city": ["Oslo", "Rome", "Paris", "Oslo"] * 9})
columns = make_column_transformer((StandardScaler(), ["age"]), (OneHotEncoder(), ["city"]))
pipeline = make_pipeline(columns, LogisticRegression()).fit(people, ["no", "yes", "yes", "no"] * 9)
dump(pipeline, "shop.skops")
"""
THERMOMETER = """
class Thermometer:
    example = {"celsius": 21.5}

    def load(self):
        self.zero = 32

    def predict(self, batch):
        return {"fahrenheit": batch["celsius"] * 9 / 5 + self.zero}
"""


@pytest.fixture(scope="module")
def added(tmp_path_factory):
    """An instance that serves a pipeline, a convnet and a class, each added by the command."""
    framework("skops", "make install-sklearn")
    framework("openvino", "make install-keras")
    work = tmp_path_factory.mktemp("work")
    (work / "train.py").write_text(TRAIN)
    (work / "thermometer.py").write_text(THERMOMETER)
    shutil.copy(PROJECT / "tests/data/digits-keras/model.keras", work / "digits.keras")
    subprocess.run([sys.executable, "train.py"], cwd=work, check=True)
    models = work / "models"
    models.mkdir()
    for file in ("shop.skops", "digits.keras", "thermometer.py"):
        command = [sys.executable, "-m", "service.models", "--models", models, "add", work / file]
        subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    with Instance(work, WEIR_MODELS=str(models), WEB_CONCURRENCY="2") as instance:
        yield instance.url + "/models/"


def test_a_pipeline_is_asked_by_its_columns(added):
    answer = requests.get(added + "shop/predict?age=50&city=Paris", timeout=20).json()
    misspelt = requests.post(
        added + "shop/predict", json={"age": 50, "citi": "Paris"}, timeout=20
    ).json()
    strange = requests.get(added + "shop/predict?age=50&city=Pariss", timeout=20).json()

    assert answer["response"]["label"] == "yes"
    assert misspelt["errors"][0]["detail"] == "no such feature; did you mean 'city'?"
    assert strange["errors"][0]["wanted"] == 'one of "Oslo", "Paris", "Rome"'


def test_its_card_tells_the_columns_and_categories(added):
    card = requests.get(added + "shop", timeout=20).json()["model"]

    assert [feature["name"] for feature in card["features"]] == ["age", "city"]
    assert card["features"][1]["categories"] == ["Oslo", "Paris", "Rome"]
    assert card["outputs"][0]["labels"] == ["no", "yes"]


def test_a_convnet_and_a_class_answer_as_well(added):
    example = requests.get(added + "digits/example", timeout=20).json()
    digit = requests.post(added + "digits/predict", json=example, timeout=20).json()
    degrees = requests.get(added + "thermometer/predict?celsius=100", timeout=20).json()

    assert len(digit["response"]["digit"]) == 10
    assert degrees["response"] == {"value": 212}
