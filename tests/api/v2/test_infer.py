"""Tensors in, tensors out."""

import gzip
import json
import zlib

import numpy as np
import pybase64
import pytest

from tests.api.v2.asking import FLOWER, IRIS, asked, framed, output, refused, tensor
from tests.conftest import CAT

ALL = [*(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)), "bool"]
NAMES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
ROW = np.array([FLOWER], np.float32)


@pytest.mark.parametrize("data", [FLOWER, [FLOWER]], ids=["flat", "nested"])
@pytest.mark.parametrize("path", [IRIS, IRIS + "/", "/v2/models/iris/versions/1/infer"])
def test_json_in_json_out(v2, data, path):
    answer = v2.post(path, data=json.dumps(asked(tensor(data=data), id="mine")))

    told = answer.get_json()
    assert (told["model_name"], told["model_version"], told["id"]) == ("iris", "1", "mine")
    assert [(each["name"], each["datatype"], each["shape"]) for each in told["outputs"]] == [
        ("probabilities", "FP32", [1, 3])
    ]
    assert output(answer).argmax() == 0
    assert answer.content_type == "application/json"


def test_without_an_id_the_answer_bears_the_requests_own(v2):
    answer = v2.post(IRIS, json=asked())

    assert answer.get_json()["id"] == answer.headers["X-Request-ID"]


def test_the_same_answer_as_predict(v2):
    scores = output(v2.post(IRIS, json=asked()))[0]
    row = dict(zip(NAMES, FLOWER, strict=True))
    said = v2.post("/models/iris/predict", json=row).get_json()["response"]["scores"]

    assert [*said.values()] == pytest.approx(sorted(scores.tolist(), reverse=True), abs=1e-6)


def test_a_feature_by_itself_or_all_in_one_matrix(v2):
    whole = output(v2.post(IRIS, json=asked()))
    columns = [
        tensor(name, shape, "FP32", data=[value])
        for name, shape, value in zip(NAMES, ([1], [1, 1], [1], [1]), FLOWER, strict=True)
    ]
    every = output(v2.post(IRIS, json=asked(tensor("rows"))))

    assert (output(v2.post(IRIS, json=asked(*columns))) == whole).all()
    assert (every == whole).all()


@pytest.mark.parametrize("coding", [None, "gzip", "deflate"])
def test_bytes_in_bytes_out_also_compressed(v2, coding):
    request = asked(tensor(parameters={"binary_data_size": 16}))
    request["parameters"] = {"binary_data_output": True}
    body, fields = framed(request, ROW)
    if coding:
        body = gzip.compress(body) if coding == "gzip" else zlib.compress(body)
        fields |= {"Content-Encoding": coding, "Accept-Encoding": coding}

    answer = v2.post(IRIS, data=body, headers=fields)

    assert answer.status_code == 200, answer.get_data()
    told = answer.get_data()
    assert answer.headers.get("Content-Encoding") == coding
    if coding:
        told = gzip.decompress(told) if coding == "gzip" else zlib.decompress(told)
    length = int(answer.headers["Inference-Header-Content-Length"])
    (entry,) = json.loads(told[:length])["outputs"]
    assert answer.content_type == "application/octet-stream"
    assert entry["parameters"] == {"binary_data_size": 12}
    assert "data" not in entry
    assert np.frombuffer(told[length:], np.float32).argmax() == 0


def test_what_lists_many_codings_asks_for_none(v2):
    answer = v2.post(IRIS, json=asked(), headers={"Accept-Encoding": "gzip, deflate, br"})

    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize(
    ("for_all", "own", "is_binary"),
    [
        (None, None, False),
        (True, None, True),
        (True, False, False),
        (False, True, True),
        (None, True, True),
    ],
)
def test_an_outputs_own_word_counts_more(v2, for_all, own, is_binary):
    outputs = [{"name": "probabilities"}]
    if own is not None:
        outputs[0]["parameters"] = {"binary_data": own}
    parameters = {} if for_all is None else {"binary_data_output": for_all}

    answer = v2.post(IRIS, json=asked(outputs=outputs, parameters=parameters))

    assert ("Inference-Header-Content-Length" in answer.headers) is is_binary


def test_only_what_is_asked_for_and_in_that_order(v2):
    picture = tensor("image", [1], "BYTES", data=[pybase64.b64encode(CAT.read_bytes()).decode()])
    names = ["imagenet", "species"]

    answer = v2.post(
        "/v2/models/cat-or-dog/infer",
        json=asked(picture, outputs=[{"name": name} for name in names]),
    )

    assert [each["name"] for each in answer.get_json()["outputs"]] == names
    assert output(answer, 1).argmax() == 0


def test_a_picture_by_every_door_gets_one_answer(v2):
    file = CAT.read_bytes()
    text = pybase64.b64encode(file).decode()
    path = "/v2/models/cat-or-dog/infer"
    data = {"parameters": {"binary_data_size": len(file) + 4}}
    in_bytes = framed(
        asked(tensor("image", [1], "BYTES", **data)), len(file).to_bytes(4, "little"), file
    )
    alone = v2.post(path, data=file, headers={"Inference-Header-Content-Length": "0"})
    length = int(alone.headers["Inference-Header-Content-Length"])
    scores = np.frombuffer(alone.get_data()[length:], np.float32)[:3]

    for sent in (
        {"json": asked(tensor("image", [1], "BYTES", data=[text]))},
        {
            "json": asked(
                tensor("image", [1, 1], "BYTES", data=[[f"data:image/jpeg;base64,{text}"]])
            )
        },
        {
            "json": asked(
                tensor("image", [1], "BYTES", data=[text], parameters={"content_type": "base64"})
            )
        },
        {"data": in_bytes[0], "headers": in_bytes[1]},
    ):
        assert output(v2.post(path, **sent))[0] == pytest.approx(scores)


def test_a_pictures_numbers_as_they_are(v2):
    pixels = np.zeros((2, 224, 224, 3), np.uint8)
    path = "/v2/models/cat-or-dog/infer"
    sized = {"parameters": {"binary_data_size": pixels.nbytes}}
    body, fields = framed(asked(tensor("image", pixels.shape, "UINT8", **sized)), pixels)
    raw = v2.post(path, data=pixels[0].tobytes(), headers={"Inference-Header-Content-Length": "0"})

    assert output(v2.post(path, data=body, headers=fields)).shape == (2, 3)
    assert raw.status_code == 200


def test_a_body_that_is_one_tensor(v2):
    answer = v2.post(IRIS, data=ROW.tobytes(), headers={"Inference-Header-Content-Length": "0"})

    length = int(answer.headers["Inference-Header-Content-Length"])
    assert np.frombuffer(answer.get_data()[length:], np.float32).argmax() == 0
    words = v2.post(
        "/v2/models/words/infer",
        data="Žofka".encode(),
        headers={"Inference-Header-Content-Length": "0"},
    )
    assert words.get_data().endswith("Žofka".encode())


@pytest.mark.parametrize("data", [["pes", "kočka"], [["pes"], ["kočka"]]], ids=["flat", "nested"])
def test_words(v2, data):
    answer = v2.post(
        "/v2/models/words/infer", json=asked(tensor("text", [2, 1], "BYTES", data=data))
    )

    assert output(answer).ravel().tolist() == ["pes", "kočka"]
    assert answer.get_json()["outputs"][0]["datatype"] == "BYTES"


def test_named_columns_of_several_types(v2):
    people = [
        tensor("age", [2], "FP64", data=[31.5, 0]),
        tensor("city", [2], "BYTES", data=["Oslo", "Brno"]),
    ]

    answer = v2.post("/v2/models/people/infer", json=asked(*people))

    assert output(answer, 0).tolist() == [31.5, 0]
    assert output(answer, 1).tolist() == ["Oslo", "Brno"]


@pytest.mark.parametrize("word", ["", "kot", "a word of more bytes"])
def test_a_body_that_is_one_word_whatever_its_length(v2, word):
    sent = {"data": word, "headers": {"Inference-Header-Content-Length": "0"}}

    answer = v2.post("/v2/models/words/infer", **sent)

    assert answer.status_code == 200
    assert answer.get_data().endswith(word.encode())


def test_classes_of_whole_numbers_are_ranked_as_they_are(v2):
    numbers = [2**53, 2**53 + 1, -(2**63), 2**63 - 1]
    outputs = [{"name": "int64", "parameters": {"classification": 3}}]
    names = [*ALL, "fp16", "fp32", "fp64"]
    inputs = [tensor(name, [1, 1], name.upper(), data=[name == "bool" or 1]) for name in names]
    inputs[names.index("int64")] = tensor("int64", [1, 4], "INT64", data=numbers)

    answer = v2.post("/v2/models/datatypes/infer", json=asked(*inputs, outputs=outputs))

    assert output(answer).tolist() == [[f"{2**63 - 1}:3", f"{2**53 + 1}:1", f"{2**53}:0"]]


def test_classification(v2):
    def best(count, **parameters):
        outputs = [{"name": "probabilities", "parameters": {"classification": count} | parameters}]
        return v2.post(IRIS, json=asked(outputs=outputs))

    assert output(best(1)).tolist() == [["0.984703:0:setosa"]]
    every = output(best(100))
    assert every.shape == (1, 3)
    assert [each.split(":")[2] for each in every[0]] == ["setosa", "versicolor", "virginica"]
    assert b"0.984703:0:setosa" in best(1, binary_data=True).get_data()


def test_a_timeout_in_microseconds(v2):
    assert v2.post(IRIS, json=asked(parameters={"timeout": 5_000_000})).status_code == 200
    assert v2.post(IRIS, json=asked(parameters={"timeout": 0})).status_code == 200
    refused(v2.post(IRIS, json=asked(parameters={"timeout": 1})), "time", status=504)


def test_nulls_and_free_parameters_are_taken(v2):
    request = asked(
        tensor(data=FLOWER, parameters=None),
        id=None,
        outputs=None,
        parameters={"mine": 1, "also": "this", "and": True, "none": None, "priority": 3},
    )

    assert v2.post(IRIS, json=request).status_code == 200
    assert v2.post(IRIS, json=asked(parameters=None)).status_code == 200
