"""Rows of features, by query, form and JSON."""

import json
import subprocess
import threading

import pytest
import requests
from werkzeug.serving import make_server

from tests.conftest import assert_problem


@pytest.fixture
def live_url(app):
    """The application behind a real socket."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


IRIS = "/models/iris/predict"


FLOWER = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}


LARGE = {"sepal_length": 7.7, "sepal_width": 3.0, "petal_length": 6.1, "petal_width": 2.3}


def test_a_flower_by_any_door_gets_the_same_answer(client):
    answer = client.post(IRIS, json=FLOWER)

    said = answer.get_json()
    assert (said["success"], said["model"]) == (True, {"name": "iris", "version": "1"})
    assert said["response"]["label"] == "setosa"
    assert set(said["response"]["scores"]) == {"setosa", "versicolor", "virginica"}
    assert sum(said["response"]["scores"].values()) == pytest.approx(1, abs=1e-5)
    for other in (
        client.get(IRIS, query_string=FLOWER),
        client.post(IRIS, query_string=FLOWER),
        client.post(IRIS, query_string=FLOWER, headers={"Content-Length": "0"}),  # as requests does
        client.post(IRIS, data=FLOWER),
        client.post("/models/iris/versions/1/predict", json=FLOWER),
    ):
        assert other.get_json() == said


def test_rows_are_answered_in_their_order(client):
    answer = client.post(IRIS, json={"rows": [FLOWER, LARGE, FLOWER]}).get_json()

    labels = [row["label"] for row in answer["response"]]
    assert labels == ["setosa", "virginica", "setosa"]
    assert client.post(IRIS, json={"rows": [LARGE]}).get_json()["response"] == [
        client.post(IRIS, json=LARGE).get_json()["response"]
    ]


def test_a_misspelt_feature_is_answered_with_the_right_one_and_an_example(client):
    sent = {"sepal_lenght" if name == "sepal_length" else name: 1 for name in FLOWER}

    problem = assert_problem(client.post(IRIS, json=sent), 422, "did you mean 'sepal_length'?")

    assert problem["errors"] == [
        {
            "pointer": "/sepal_lenght",
            "detail": "no such feature; did you mean 'sepal_length'?",
            "sent": "an unknown name",
            "wanted": "sepal_length",
        },
        {
            "pointer": "/sepal_length",
            "detail": "nothing was sent, a number from 0 to 30 is wanted",
            "sent": "nothing",
            "wanted": "a number from 0 to 30",
        },
    ]
    assert client.post(IRIS, json=problem["example"]).status_code == 200


def test_a_wrong_row_among_many_is_pointed_at(client):
    rows = [FLOWER, FLOWER, FLOWER, FLOWER | {"petal_width": "0.2"}]

    problem = assert_problem(client.post(IRIS, json={"rows": rows}), 422)

    assert problem["errors"][0]["pointer"] == "/rows/3/petal_width"
    assert_problem(client.get(IRIS, query_string=FLOWER | {"petal_width": "wide"}), 422, '"wide"')


def test_json_that_says_it_is_a_form_is_told_to_say_json(client):
    answer = client.post(
        IRIS, data=json.dumps(FLOWER), content_type="application/x-www-form-urlencoded"
    )

    assert_problem(answer, 415, "application/json", "sepal_length")
    assert_problem(client.post(IRIS, json=[FLOWER]), 400, "send an object", "sepal_length")


@pytest.mark.parametrize("name", ["cat-or-dog", "iris"])
def test_the_card_s_commands_work_as_printed(live_url, name):
    card = requests.get(f"{live_url}/models/{name}", timeout=10).json()["model"]

    for command in filter(None, (card["curl"], card.get("curl_get"))):
        said = subprocess.run(command + " -s", shell=True, capture_output=True, check=True).stdout
        assert json.loads(said)["success"] is True


def test_rows_too_many_for_the_thread_that_serves_everyone_are_answered_the_same(client):
    few = client.post(IRIS, json={"rows": [LARGE]}).get_json()["response"]
    many = client.post(IRIS, json={"rows": [LARGE] * 1000})

    assert len(json.dumps({"rows": [LARGE] * 1000})) > 64 << 10
    assert many.get_json()["response"] == few * 1000
    assert_problem(client.post(IRIS, json={"rows": [LARGE] * 1025}), 422, "/rows", "1 to 1024")
    assert_problem(
        client.post(IRIS, data=b"[" * 70_000, content_type="application/json"), 400, "not valid"
    )
