"""
The iris on LitServe, with its defaults: one HTTP process, one process that predicts.

    python -m load.peers.apps.iris_litserve PORT
"""

import sys

import litserve

from load.peers.apps.iris_onnx import Iris

COLUMNS = ("sepal_length", "sepal_width", "petal_length", "petal_width")


class Service(litserve.LitAPI):
    """Answers POST /predict; nothing but the columns' presence is checked."""

    def setup(self, device):
        self._iris = Iris()

    def decode_request(self, request):
        return [request[column] for column in COLUMNS]

    def predict(self, x):
        return self._iris.predict(x)

    def encode_response(self, output):
        return output


if __name__ == "__main__":
    litserve.LitServer(Service(), accelerator="cpu").run(
        port=int(sys.argv[1]), generate_client_file=False
    )
