"""The tables that pipelines and boosters are fitted on."""

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

N = 80
RANDOM = np.random.default_rng(1)
CITIES = np.array(["Oslo", "Rome", "Paris"])[RANDOM.integers(0, 3, N)]
PEOPLE = pd.DataFrame(
    {
        "age": RANDOM.integers(18, 80, N),
        "income": RANDOM.normal(40_000, 9_000, N).round(2),
        "city": CITIES,
        "member": RANDOM.integers(0, 2, N).astype(bool),
    }
)
ANSWER = np.where((PEOPLE["age"] > 45) ^ (CITIES == "Oslo"), "yes", "no")
AMOUNT = (PEOPLE["age"] * 2 + (CITIES == "Rome") * 30).to_numpy(float)
GAPS = PEOPLE.assign(
    income=PEOPLE["income"].where(RANDOM.random(N) > 0.2),
    city=PEOPLE["city"].where(RANDOM.random(N) > 0.2),
)
CATEGORIES = PEOPLE.assign(city=PEOPLE["city"].astype("category"))
JOINED = PEOPLE.assign(
    joined=pd.Timestamp("2020-01-01") + pd.to_timedelta(RANDOM.integers(0, 900, N), "D"),
    seen=pd.Timestamp("2020-01-01T10:00", tz="UTC") + pd.to_timedelta(range(N), "h"),
)
NUMBERS = ["age", "income"]


def mixed(*, gaps=False, **encoding):
    numbers = make_pipeline(SimpleImputer(), StandardScaler()) if gaps else StandardScaler()
    words = OneHotEncoder(**{"handle_unknown": "ignore"} | encoding)
    if gaps:
        words = make_pipeline(SimpleImputer(strategy="most_frequent"), words)
    return make_column_transformer((numbers, NUMBERS), (words, ["city"]))
