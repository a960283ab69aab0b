"""The iris on BentoML: a service of one worker, its arguments checked from the annotations."""

import bentoml

from load.peers.apps.iris_onnx import Iris


@bentoml.service(workers=1)
class Service:
    """Answers POST /predict."""

    def __init__(self):
        self._iris = Iris()

    @bentoml.api
    def predict(
        self, sepal_length: float, sepal_width: float, petal_length: float, petal_width: float
    ) -> dict:
        return self._iris.predict([sepal_length, sepal_width, petal_length, petal_width])
