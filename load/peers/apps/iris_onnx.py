"""config/models/iris/model.onnx as the peers' code calls it: a row of measurements, an answer."""

from pathlib import Path

import numpy as np
import onnxruntime

MODEL = Path(__file__).resolve().parents[2] / "config/models/iris/model.onnx"


class Iris:
    """The model, on one thread: more would only spin beside a graph this small."""

    def __init__(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            MODEL, options, providers=["CPUExecutionProvider"]
        )

    def predict(self, measurements: list[float]) -> dict:
        """Four measurements in cm to the species' name and the three probabilities."""
        rows = np.array([measurements], np.float32)
        label, probabilities = self._session.run(None, {"measurements": rows})
        return {"label": label[0], "probabilities": probabilities[0].tolist()}
