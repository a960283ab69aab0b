"""
A model repository for MLServer with the iris: scikit-learn's own pipeline, saved with joblib.

    python load/peers/apps/iris_mlserver.py FOLDER

The pipeline is the one that config/models/iris/make.py trains.
"""

import json
import sys
from pathlib import Path

import joblib
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SETTINGS = {
    "name": "iris",
    "implementation": "mlserver_sklearn.SKLearnModel",
    "parameters": {"uri": "./model.joblib", "version": "1"},
}


def main() -> None:
    """Train, and write the two files that MLServer wants."""
    folder = Path(sys.argv[1])
    data = load_iris()
    species = data.target_names[data.target].astype(str)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(data.data, species)
    joblib.dump(pipeline, folder / "model.joblib")
    (folder / "model-settings.json").write_text(json.dumps(SETTINGS))


if __name__ == "__main__":
    main()
