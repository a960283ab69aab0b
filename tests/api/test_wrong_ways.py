"""What is sent in a wrong way to a model is answered with the right one."""

import io
import json

import pytest

from tests.conftest import CAT, assert_problem

PREDICT, IRIS = "/models/cat-or-dog/predict", "/models/iris/predict"
FLOWER = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
FILE = CAT.read_bytes()


@pytest.mark.parametrize(
    ("method", "path", "allow", "words"),
    [
        ("GET", PREDICT, "POST", ["send POST with the picture itself as image/*"]),
        ("PUT", PREDICT, "POST", ["does not take PUT", "send POST with the picture itself"]),
        ("PUT", IRIS, "GET, HEAD, POST", ["send GET with the features in the query, or POST"]),
        ("DELETE", "/models", "GET, HEAD", ["/models does not take DELETE; send GET, HEAD"]),
        ("DELETE", "/", "GET, HEAD, POST", ["/ does not take DELETE"]),
    ],
)
def test_a_method(client, method, path, allow, words):
    answer = client.open(path, method=method)

    assert_problem(answer, 405, *words)
    assert {*answer.headers["Allow"].split(", ")} == {*allow.split(", ")}


def test_a_method_on_a_model_that_is_not_there(client):
    assert_problem(client.put("/models/nobody/predict"), 404, "no model named 'nobody'")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"images": "QQ=="}, ["/images: no such name; did you mean 'image'?"]),
        ({"rows": [FLOWER]}, ["/rows: no such name; send image or msg"]),
        ({"instances": [[1, 2]]}, ["/instances: no such name; send image or msg"]),
    ],
)
def test_names_of_another_kind_at_a_model_of_pictures(client, body, words):
    assert_problem(client.post(PREDICT, json=body), 422, *words)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            {"instances": [[1, 2, 3, 4]]},
            ["no such feature; send a list of rows under 'rows'"],
        ),
        ({"rows": FLOWER}, ["/rows: an object was sent, a list of rows is wanted"]),
        ({"image": "QQ=="}, ["/image: no such feature"]),
    ],
)
def test_names_of_another_kind_at_a_model_of_features(client, body, words):
    assert_problem(client.post(IRIS, json=body), 422, *words)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"image": [(io.BytesIO(FILE), "a.jpg"), (io.BytesIO(FILE), "b.jpg")]},
         ["/image: 2 files"]),
        ({"photo": [(io.BytesIO(FILE), "a.jpg")]}, ['the file is in the field "photo"']),
        ({"image": ["text"]}, ["the field image is no file"]),
        ({"note": ["text"]}, ['no file in the form, which has "note"']),
    ],
)  # fmt: skip
def test_a_form_without_one_picture(client, files, words):
    answer = client.post(PREDICT, data=files, content_type="multipart/form-data")

    assert_problem(answer, 422, *words)


def test_a_file_at_a_model_of_features(client):
    sent = {**FLOWER, "sepal_length": (io.BytesIO(b"5.1"), "a.txt")}

    answer = client.post(IRIS, data=sent, content_type="multipart/form-data")

    assert_problem(answer, 422, "/sepal_length: a file was sent, a value is wanted")


@pytest.mark.parametrize(
    ("body", "pointer", "name"),
    [
        ('{"sepal_length": 1, "sepal_length": 2}', "/sepal_length", "sepal_length"),
        ('{"a": "b:c", "a": 2}', "/a", "a"),
        ('{"rows": [{"sepal_width": 1, "sepal_width": 2}]}', "", "sepal_width"),
        ('{"rows": [], "rows": []}', "/rows", "rows"),
        ('{"sepal_width": 1, "sepal\\u005fwidth": 2}', "/sepal_width", "sepal_width"),
    ],
)
def test_a_name_that_stands_twice_in_an_object(client, body, pointer, name):
    answer = client.post(IRIS, data=body, content_type="application/json")

    said = assert_problem(answer, 422, f'the name "{name}" twice was sent, each name once')
    assert said["errors"][0]["pointer"] == pointer


def test_a_picture_s_name_that_stands_twice(client):
    answer = client.post(
        PREDICT, data='{"image": "QQ==", "image": "QQ=="}', content_type="application/json"
    )

    assert_problem(answer, 422, 'the name "image" twice')


@pytest.mark.parametrize(
    "text", ["1_4", "٥", "+5", ".5", "5.", "0x5", "1e", "inf", "NaN", " 5", "05"]
)
def test_a_text_is_a_number_only_as_json_spells_one(client, text):
    answer = client.get(IRIS, query_string=FLOWER | {"petal_length": text})

    assert_problem(answer, 422, "/petal_length:", "a number from 0 to 30 is wanted")


@pytest.mark.parametrize("text", ["1.4", "14e-1", "0.14E1", "0.14e+1"])
def test_and_in_any_way_that_json_spells_one(client, text):
    answers = [
        client.get(IRIS, query_string=FLOWER | {"petal_length": sent}).get_json()["response"]
        for sent in (text, "1.4")
    ]

    assert answers[0] == answers[1]


@pytest.mark.parametrize("opened", ["[", '{"a":'])
@pytest.mark.parametrize("depth", [254, 960, 1020, 5000])
def test_a_deep_echo_with_a_long_integer(client, opened, depth):
    closed = {"[": "]"}.get(opened, "}")
    body = f'{{"msg":{opened * depth}1234567890123456789{closed * depth}}}'

    answer = client.post("/", data=body, content_type="application/json")

    assert_problem(answer, 400)


def test_strings_with_colons_and_quotes_are_no_names(client):
    body = json.dumps({"msg": 'a: "b": c'})

    assert client.post("/", data=body, content_type="application/json").status_code == 200
