"""Names, metadata, readiness, configuration and statistics of models."""

import pytest

from tests.api.v2.asking import IRIS, asked, refused, tensor

ANY = ["", "/", "/versions/1", "/versions/1/"]


def test_the_models_by_name(v2):
    assert v2.get("/v2/models").get_json() == {
        "models": ["cat-or-dog", "datatypes", "iris", "people", "visits", "words"]
    }


@pytest.mark.parametrize("version", ANY)
def test_metadata(v2, version):
    assert v2.get(f"/v2/models/iris{version}").get_json() == {
        "name": "iris",
        "versions": ["1"],
        "platform": "onnx_onnxv1",
        "inputs": [{"name": "measurements", "datatype": "FP32", "shape": [-1, 4]}],
        "outputs": [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 3]}],
    }


def test_outputs_that_no_artefact_declares_are_those_of_the_example(v2):
    told = v2.get("/v2/models/people").get_json()

    assert told["platform"] == "python_py"
    assert told["inputs"] == told["outputs"]
    assert told["outputs"] == [
        {"name": "age", "datatype": "FP64", "shape": [-1]},
        {"name": "city", "datatype": "BYTES", "shape": [-1]},
    ]


@pytest.mark.parametrize("version", ["", "/versions/1"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_readiness(v2, version, slash):
    told = v2.get(f"/v2/models/iris{version}/ready{slash}")

    assert told.get_json() == {"name": "iris", "ready": True}


def test_a_model_that_is_not_there(v2):
    for path in ("nobody", "nobody/ready", "iris/versions/9", "nobody/config", "nobody/stats"):
        refused(v2.get(f"/v2/models/{path}"), "no", status=404)


def test_configuration(v2):
    told = v2.get("/v2/models/cat-or-dog/versions/1/config/").get_json()

    assert told["name"] == "cat-or-dog"
    assert told["max_batch_size"] == 64
    assert told["input"] == [
        {"name": "image", "data_type": "TYPE_UINT8", "dims": [224, 224, 3], "format": "FORMAT_NHWC"}
    ]
    assert told["output"][0] == {"name": "species", "data_type": "TYPE_FP32", "dims": [3]}
    words = v2.get("/v2/models/words/config").get_json()
    assert words["input"][0]["data_type"] == "TYPE_STRING"


def test_statistics_count_what_was_asked(v2):
    def counted():
        (told,) = v2.get("/v2/models/iris/stats").get_json()["model_stats"]
        return told

    before = counted()
    with v2.post(IRIS, json=asked(tensor(shape=[3, 4], data=[1.0] * 12))):
        pass
    with v2.post("/models/iris/predict", json={"sepal_length": "long"}):
        pass
    after = counted()

    def more(*path):
        first, second = before, after
        for step in path:
            first, second = first[step], second[step]
        return second - first

    assert more("inference_count") == 3
    assert more("execution_count") == 1
    for stage in ("success", "fail", "queue", "compute_infer", "compute_output", "compute_input"):
        assert more("inference_stats", stage, "count") == 1
    assert more("inference_stats", "compute_infer", "ns") > 0
    assert after["last_inference"] > before["last_inference"]
    sizes = {each["batch_size"]: each for each in after["batch_stats"]}
    assert sizes[3]["compute_infer"]["count"] == 1
    assert len(v2.get("/v2/models/stats").get_json()["model_stats"]) == 6


def test_the_repository_is_closed_without_a_token(v2):
    for path in ("index", "models/iris/load", "models/iris/unload", "reload"):
        refused(v2.post(f"/v2/repository/{path}"), "WEIR_ADMIN_TOKEN", status=403)


def test_sizes_that_nobody_declares_may_be_any_where_the_inputs_are_free(v2):
    told = v2.get("/v2/models/datatypes").get_json()

    assert {tuple(each["shape"]) for each in told["outputs"]} == {(-1, -1)}
