"""What is wrong with an infer request is told by the tensor's name, with 400."""

import json

import pytest

from tests.api.v2.asking import FLOWER, IRIS, asked, refused, tensor

RAW = {"headers": {"Inference-Header-Content-Length": "0"}}
SIZED = {"parameters": {"binary_data_size": 16}}


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (asked(tensor("flower")), ['there is no input "flower"', '"measurements" is missing']),
        (asked(tensor(), tensor()), ['input "measurements" stands here twice']),
        (asked(tensor(datatype="FP64", data=FLOWER)), ["measurements", "FP32 is wanted"]),
        (asked(tensor(datatype="FLOAT", data=FLOWER)), ["measurements", '"FLOAT"', "FP32"]),
        (asked(tensor(shape=[1, -4], data=FLOWER)), ["measurements", "-4"]),
        (asked(tensor(shape=[1, 4.0], data=FLOWER)), ["measurements", "4.0"]),
        (asked(tensor(shape=[True, 4], data=FLOWER)), ["measurements", "true"]),
        (asked(tensor(shape=[2**40, 2**40], data=FLOWER)), ["measurements"]),
        (asked(tensor(shape=[4294967296, 4294967296, 1], data=[])), ["measurements"]),
        (asked(tensor(shape=[1, 5], data=FLOWER)), ["measurements", "4 values", "5 for shape"]),
        (asked(tensor(shape=[4], data=FLOWER)), ["measurements", "[rows, 4]"]),
        (asked(tensor(shape=[0, 4], data=[])), ["measurements", "0 rows"]),
        (asked(tensor(shape=[2000, 4], data=[1.0] * 8000)), ["measurements", "1 to 1024 rows"]),
        (asked(tensor(data=[*FLOWER[:3], "0.2"])), ["/inputs/0/data/3", "measurements", '"0.2"']),
        (asked(tensor(data=[*FLOWER[:3], True])), ["/inputs/0/data/3", "measurements", "true"]),
        (asked(tensor(data=[[*FLOWER[:3], None]])), ["/inputs/0/data/0/3", "petal_width"]),
        (asked(tensor(data=[*FLOWER[:3], 1e39])), ["/inputs/0/data/3", "FP32"]),
        (asked(tensor(data=[*FLOWER[:3], 99])), ["/inputs/0/data/3", "from 0 to 30"]),
        (asked(tensor(shape=[2, 2], data=[[1, 2], [3]])), ["measurements", "/inputs/0/data/1"]),
        (asked(tensor(data=[[FLOWER]])), ["measurements"]),
        (asked(tensor(data="5.1")), ["measurements", "a string was sent"]),
        (asked(tensor(data=None)), ["measurements", "binary_data_size"]),
        (asked({"name": "measurements"}), ["measurements", "datatype"]),
        (asked({"shape": [1]}), ["/inputs/0/name"]),
        (asked(tensor(data=FLOWER, colour="red")), ["measurements", "/inputs/0/colour"]),
        (asked(outputs=[{"name": "nothing"}]), ['output "nothing"', "probabilities"]),
        (asked(outputs=[{"name": "probabilities"}] * 2), ["probabilities", "twice"]),
        (
            asked(outputs=[{"name": "probabilities", "parameters": {"classification": 0}}]),
            ["probabilities", "classification"],
        ),
        (
            asked(outputs=[{"name": "probabilities", "parameters": {"binary_data": 1}}]),
            ["probabilities", "binary_data"],
        ),
        (asked(outputs={"name": "probabilities"}), ["/outputs"]),
        (asked(parameters={"sequence_id": 7}), ["sequences"]),
        (asked(parameters={"timeout": -1}), ["timeout"]),
        (asked(parameters={"deep": {}}), ["/parameters/deep"]),
        (asked(id=7), ["/id"]),
        (asked(tensor(**SIZED)), ["measurements", "Inference-Header-Content-Length"]),
        (asked(tensor(data=FLOWER, parameters={"binary_data_size": 16})), ["measurements"]),
        ({"inputs": []}, ["/inputs"]),
        ({"instances": [FLOWER]}, ["/instances: no such name", "/inputs"]),
        ([1], ["JSON array"]),
    ],
)
def test_json(v2, request_, words):
    told = refused(v2.post(IRIS, data=json.dumps(request_)), *words)

    assert told["status"] == 400


def test_an_example_comes_with_it(v2):
    told = refused(v2.post(IRIS, json=asked(tensor("flower"))))

    assert v2.post(IRIS, json=told["example"]).status_code == 200


@pytest.mark.parametrize(
    ("name", "datatype", "value"),
    [
        ("uint8", "UINT8", 256),
        ("uint8", "UINT8", -1),
        ("int64", "INT64", 2**63),
        ("uint64", "UINT64", 2**64),
        ("int32", "INT32", 1.0),
        ("bool", "BOOL", 1),
        ("fp16", "FP16", 70000),
    ],
)
def test_a_value_that_the_datatype_has_not(v2, name, datatype, value):
    sent = tensor(name, [1, 1], datatype, data=[value])

    refused(v2.post("/v2/models/datatypes/infer", json=asked(sent)), f'"{name}"', "/data/0")


def test_features_of_another_kind(v2):
    def ask(age, city, rows=1):
        return v2.post(
            "/v2/models/people/infer",
            json=asked(
                tensor("age", [rows], "FP64", data=age), tensor("city", [1], "BYTES", data=city)
            ),
        )

    refused(ask([-1], ["Oslo"]), '"age"', "at least 0")
    refused(ask([1], [None]), '"city"', "a string")
    refused(ask([1, 2], ["Oslo"], 2), '"city"', "1 rows was sent, 2")


def test_what_is_no_picture(v2):
    path = "/v2/models/cat-or-dog/infer"

    refused(v2.post(path, json=asked(tensor("image", [1], "BYTES", data=["!"]))), "image", "base64")
    refused(
        v2.post(path, json=asked(tensor("image", [2], "BYTES", data=["QQ==", "QQ=="]))),
        "2 elements",
    )
    for sent in (
        {"json": asked(tensor("image", [1], "BYTES", data=["QUJD"]))},
        RAW | {"data": "A"},
    ):
        told = refused(v2.post(path, **sent), '"image"', "send JPEG")
        assert v2.post(path, json=told["example"]).status_code == 200


def test_names_that_stand_twice_in_one_object(v2):
    body = json.dumps(asked())
    twice = body.replace('"shape"', '"datatype": "FP32", "shape"')

    refused(v2.post(IRIS, data=twice), '"datatype" twice')


def test_what_is_not_there(v2):
    refused(v2.post("/v2/models/nobody/infer", json=asked()), "nobody", "iris", status=404)
    refused(v2.post("/v2/models/iris/versions/9/infer", json=asked()), "version", status=404)
    refused(v2.get(IRIS), "send POST", status=405)
    refused(v2.post("/v2/nothing"), "GET /v2/models", status=404)
    refused(v2.post(IRIS), "not valid JSON")


def test_a_value_of_one_matrix_of_all_is_told_by_its_place_and_its_feature(v2):
    data = [[1, 1, 1, 1], [1, 1, 99, 1]]

    refused(
        v2.post(IRIS, json=asked(tensor("rows", [2, 4], data=data))),
        "/inputs/0/data/1/2",
        'for "petal_length"',
    )
    flat = [*data[0], *data[1]]
    refused(v2.post(IRIS, json=asked(tensor("rows", [2, 4], data=flat))), "/inputs/0/data/6")


def test_shared_memory_is_refused_and_not_passed_over(v2):
    region = {"shared_memory_region": "a", "shared_memory_byte_size": 12}
    outputs = [{"name": "probabilities", "parameters": region}]

    refused(v2.post(IRIS, json=asked(outputs=outputs)), "probabilities", "no shared memory")
    refused(
        v2.post(IRIS, json=asked(tensor(parameters=region))), "measurements", "no shared memory"
    )


def test_no_more_faults_than_elsewhere(v2):
    many = [tensor(f"x{number}") for number in range(500)]

    assert len(refused(v2.post(IRIS, json=asked(*many)))["errors"]) == 20


@pytest.mark.parametrize(
    ("request_", "headers"),
    [
        (asked(tensor(datatype="secret", data=FLOWER)), {}),
        (asked(tensor(shape=["secret", 4], data=FLOWER)), {}),
        (asked(tensor(shape=[7777777, "secret"], data=FLOWER)), {}),
        (asked(tensor(data=["secret", 1, 1, 1])), {}),
        (asked(tensor(data=[7777777, 1, 1, 1])), {}),
        (asked(parameters={"timeout": "secret"}), {}),
        (asked(parameters={"binary_data_output": "secret"}), {}),
        (
            asked(outputs=[{"name": "probabilities", "parameters": {"classification": "secret"}}]),
            {},
        ),
        (asked(), {"Inference-Header-Content-Length": "secret"}),
    ],
)
def test_values_are_not_repeated_where_names_are_told_alone(v2, v2_app, request_, headers):
    v2_app.config["ERROR_DETAIL"] = "names"
    try:
        answer = v2.post(IRIS, data=json.dumps(request_), headers=headers)
    finally:
        v2_app.config["ERROR_DETAIL"] = "full"

    refused(answer)
    for value in (b"secret", b"7777777"):
        assert value not in answer.get_data()


def test_the_example_of_words_dates_and_what_is_missing_works(v2):
    told = refused(v2.post("/v2/models/visits/infer", json=asked(tensor("nobody"))))

    city, when, level = told["example"]["inputs"]
    assert (city["data"], level["data"]) == ([None], [0.1])
    assert when["data"][0].endswith("+00:00")
    answer = v2.post("/v2/models/visits/infer", json=told["example"])
    assert answer.status_code == 200, answer.get_data()
    assert answer.get_json()["outputs"][0]["data"] == [None]
