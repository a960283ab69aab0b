import shutil
from dataclasses import replace

import pytest

from config.settings import from_environ
from service.app import create_app
from tests.conftest import PROJECT, assert_problem, eventually


def test_the_list_tells_what_is_served(client):
    answer = client.get("/models")

    assert answer.status_code == 200
    (entry,) = [e for e in answer.get_json()["models"] if e["name"] == "cat-or-dog"]
    assert entry == {
        "name": "cat-or-dog",
        "version": "1",
        "state": "ready",
        "description": "Is it a cat or a dog? EfficientNet-Lite0 with ImageNet's classes folded "
        "to three.",
        "url": "/models/cat-or-dog",
    }


def test_a_card_tells_what_the_model_takes_and_gives(client):
    card = client.get("/models/cat-or-dog").get_json()["model"]

    assert card["license"] == "Apache-2.0"
    assert card["kind"] == "image"
    assert card["inputs"] == [{"name": "image", "datatype": "uint8", "shape": [-1, 224, 224, 3]}]
    outputs = {output["name"]: output for output in card["outputs"]}
    assert outputs["species"]["labels"] == ["cat", "dog", "neither"]
    assert outputs["species"]["shape"] == [-1, 3]
    assert len(outputs["imagenet"]["labels"]) == 1000
    assert card["limits"] == {
        "body_bytes": 10 << 20,
        "image_pixels": 25_000_000,
        "queue_rows": 64,
    }


def test_a_card_tells_the_features_and_how_to_ask(client):
    card = client.get("/models/iris").get_json()["model"]

    assert card["kind"] == "features"
    assert card["features"][0] == {
        "name": "sepal_length",
        "kind": "number",
        "minimum": 0,
        "maximum": 30,
        "wanted": "a number from 0 to 30",
        "description": "cm",
    }
    assert [feature["name"] for feature in card["features"]] == list(card["example"])
    outputs = {output["name"]: output for output in card["outputs"]}
    assert outputs["probabilities"]["labels"] == ["setosa", "versicolor", "virginica"]
    assert "image_pixels" not in card["limits"]


@pytest.mark.parametrize("name", ["cat-or-dog", "iris"])
def test_the_example_is_answered_as_predict_takes_it(client, name):
    example = client.get(f"/models/{name}/example")

    answer = client.post(
        f"/models/{name}/predict", data=example.data, content_type=example.content_type
    )

    assert answer.status_code == 200
    assert client.get(f"/models/{name}/versions/1/example").data == example.data


def test_a_version_has_a_card_of_its_own(client):
    card = client.get("/models/iris/versions/1").get_json()["model"]

    assert card["predict"].endswith("/models/iris/versions/1/predict")
    assert (card["version"], card["versions"]) == ("1", ["1"])
    assert_problem(client.get("/models/iris/versions/9"), 404, "'9'")


def test_an_unknown_model_has_no_card(client):
    assert_problem(client.get("/models/nobody"), 404, "'nobody'", "cat-or-dog")


def test_a_trailing_slash_makes_no_difference(client):
    assert client.get("/models/").data == client.get("/models").data


def test_each_version_is_listed_at_its_address(tmp_path):
    for version in ("9", "10"):
        shutil.copytree(PROJECT / "config/models/iris", tmp_path / "flowers" / version)
    app = create_app(replace(from_environ(), models=tmp_path))
    eventually(lambda: not app.catalog.unready())
    client = app.test_client()

    listed = client.get("/models").get_json()["models"]
    card = client.get("/models/flowers").get_json()["model"]

    assert [(entry["version"], entry["url"]) for entry in listed] == [
        ("9", "/models/flowers/versions/9"),
        ("10", "/models/flowers"),
    ]
    assert (card["version"], card["versions"]) == ("10", ["9", "10"])
    for entry in listed:
        assert client.get(entry["url"]).get_json()["model"]["version"] == entry["version"]
