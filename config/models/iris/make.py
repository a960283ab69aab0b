"""Train this folder's model.onnx on the iris data that scikit-learn ships.

Data  R. A. Fisher, 1936, "The use of multiple measurements in taxonomic problems": 150 flowers,
      four measurements in cm, three species; as scikit-learn's load_iris has it (BSD-3-Clause)

None of this is needed to serve the model. It takes a throw-away environment and a few seconds:

    python -m venv /tmp/iris
    /tmp/iris/bin/pip install scikit-learn==1.9.1 skl2onnx==1.20.0 numpy==2.4.6 \
        onnxruntime==1.31.1
    /tmp/iris/bin/python config/models/iris/make.py

An argument names another folder to write to. With these versions the same bytes come out each
time. The graph is scikit-learn's pipeline, standardise then logistic regression:

    measurements   FP32    [n, 4]   sepal length, sepal width, petal length, petal width in cm
    label          STRING  [n]      the most probable species
    probabilities  FP32    [n, 3]   of setosa, versicolor, virginica
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).resolve().parent
OPSET = 17


def train() -> tuple[Pipeline, np.ndarray]:
    """Fit the pipeline on all flowers; print what it scores on those it has not seen."""
    data = load_iris()
    species = data.target_names[data.target].astype(str)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    accuracy = cross_val_score(pipeline, data.data, species, cv=10).mean()
    print(f"accuracy, 10-fold: {accuracy:.3f}")
    return pipeline.fit(data.data, species), data.data


def convert(pipeline: Pipeline) -> bytes:
    """Write the pipeline as ONNX; without ZipMap, so that probabilities are a plain matrix."""
    proto = to_onnx(
        pipeline,
        name="iris",
        initial_types=[("measurements", FloatTensorType([None, 4]))],
        options={"zipmap": False},
        target_opset=OPSET,
    )
    return proto.SerializeToString(deterministic=True)


def check(pipeline: Pipeline, content: bytes, flowers: np.ndarray) -> None:
    """Compare ONNX Runtime's answers with scikit-learn's for every flower."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    label, probabilities = session.run(
        ["label", "probabilities"], {"measurements": flowers.astype(np.float32)}
    )
    np.testing.assert_array_equal(label, pipeline.predict(flowers))
    np.testing.assert_allclose(probabilities, pipeline.predict_proba(flowers), atol=1e-5)


def main() -> None:
    """Write model.onnx to this folder, or to the one named on the command line."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    folder.mkdir(parents=True, exist_ok=True)
    pipeline, flowers = train()
    content = convert(pipeline)
    check(pipeline, content, flowers)
    (folder / "model.onnx").write_bytes(content)
    print(f"model.onnx: {len(content):,} bytes")


if __name__ == "__main__":
    main()
