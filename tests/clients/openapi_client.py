"""A client as openapi-python-client generates it of the document, calling a model of each kind."""

import sys
from io import BytesIO
from pathlib import Path

import requests
from calls import run

folder, url, picture = sys.argv[1:]
sys.path.insert(0, folder)  # where it has been generated

from weir_client import Client
from weir_client.api.cat_or_dog import predict_cat_or_dog
from weir_client.api.iris import predict_iris, query_iris
from weir_client.api.vectors import infer_vectors, predict_vectors
from weir_client.models import (
    IrisRow,
    IrisRows,
    Picture,
    PredictCatOrDogFilesBody,
    Problem,
    VectorsInfer,
    VectorsTensors,
)
from weir_client.types import File

FLOWER = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
VECTORS = {"vectors": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]}
TENSOR = {"name": "vectors", "datatype": "FP32", "shape": [1, 2, 3], "data": [1.0] * 6}

client = Client(base_url=url)


def right(answer, model, **sent):
    """The answer is a model's, and what `requests` gets for the same."""
    plain = requests.post(f"{url}/models/{model}/predict", timeout=30, **sent).json()
    assert answer.to_dict() == plain, (answer, plain)
    assert plain["success"], plain


def a_row_of_features():
    answer = predict_iris.sync(client=client, body=IrisRow(**FLOWER))
    assert answer.response.label.value == "setosa"
    assert answer.response.scores.setosa > 0.9
    right(answer, "iris", json=FLOWER)


def rows_of_features():
    rows = [FLOWER, FLOWER | {"petal_length": 6.0, "petal_width": 2.3}]
    body = IrisRows(rows=[IrisRow(**row) for row in rows])
    answer = predict_iris.sync(client=client, body=body)
    assert [each.label.value for each in answer.response] == ["setosa", "virginica"]
    right(answer, "iris", json={"rows": rows})


def features_in_the_query():
    right(query_iris.sync(client=client, **FLOWER), "iris", json=FLOWER)


def a_feature_out_of_its_range():
    answer = predict_iris.sync(client=client, body=IrisRow(**FLOWER | {"sepal_length": 31.0}))
    assert isinstance(answer, Problem), answer
    assert answer.errors[0].pointer == "/sepal_length"


def a_tensor():
    answer = predict_vectors.sync(client=client, body=VectorsTensors(**VECTORS))
    assert answer.response.value == 21.0
    right(answer, "vectors", json=VECTORS)


def a_tensor_by_the_protocol():
    answer = infer_vectors.sync(client=client, body=VectorsInfer.from_dict({"inputs": [TENSOR]}))
    assert answer.outputs[0].data == [6.0], answer


def a_picture():
    content = Path(picture).read_bytes()
    file = File(payload=BytesIO(content), file_name="cat.jpg", mime_type="image/jpeg")
    answer = predict_cat_or_dog.sync(client=client, body=PredictCatOrDogFilesBody(image=file))
    assert answer.response.label.value == "cat"
    right(answer, "cat-or-dog", data=content, headers={"Content-Type": "image/jpeg"})


def what_is_no_picture():
    answer = predict_cat_or_dog.sync(client=client, body=Picture(image="no base64"))
    assert isinstance(answer, Problem), answer


run(
    [
        a_row_of_features,
        rows_of_features,
        features_in_the_query,
        a_feature_out_of_its_range,
        a_tensor,
        a_tensor_by_the_protocol,
        a_picture,
        what_is_no_picture,
    ]
)
