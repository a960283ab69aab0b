import base64
import io

import pytest
from PIL import Image

from tests.conftest import COFFEE, ROCKET, assert_problem, encoded

URL = "/models/cat-or-dog/predict"


def b64(data):
    return base64.b64encode(data).decode()


DOORS = {
    "raw": lambda data: {"data": data, "content_type": "image/jpeg"},
    "raw, subtype wrong": lambda data: {"data": data, "content_type": "image/png"},
    "multipart": lambda data: {"data": {"image": (io.BytesIO(data), "cat.jpg")}},
    "base64": lambda data: {"json": {"image": b64(data)}},
    "data URL": lambda data: {"json": {"image": f"data:image/jpeg;base64,{b64(data)}"}},
    "tutorial": lambda data: {"json": {"msg": b64(data)}},
}


@pytest.mark.parametrize("door", DOORS)
def test_the_same_picture_by_any_door_gets_the_same_answer(client, cat, door):
    answer = client.post(URL, **DOORS[door](cat))

    assert answer.status_code == 200, answer.data
    assert answer.get_json() == client.post(URL, **DOORS["raw"](cat)).get_json()


def test_the_answer_names_the_cat(client, cat):
    answer = client.post(URL, data=cat, content_type="image/jpeg").get_json()

    assert set(answer) == {"success", "response", "model"}
    assert answer["success"] is True
    assert answer["model"] == {"name": "cat-or-dog", "version": "1"}
    assert set(answer["response"]) == {"label", "scores", "top"}
    assert answer["response"]["label"] == "cat"
    assert set(answer["response"]["scores"]) == {"cat", "dog", "neither"}
    assert answer["response"]["scores"]["cat"] >= 0.9
    assert sum(answer["response"]["scores"].values()) == pytest.approx(1, abs=1e-5)
    assert len(answer["response"]["top"]) == 5
    assert answer["response"]["top"][0]["label"] in {"Egyptian cat", "tiger cat", "tabby"}


@pytest.mark.parametrize(
    ("picture", "best"), [(COFFEE, "espresso"), (ROCKET, "missile")], ids=lambda p: str(p)[-10:]
)
def test_what_is_neither_is_said_to_be(client, picture, best):
    said = client.post(URL, data=picture.read_bytes(), content_type="image/jpeg").get_json()

    assert said["response"]["label"] == "neither"
    assert said["response"]["scores"]["neither"] >= 0.9
    assert best in [ranked["label"] for ranked in said["response"]["top"][:2]]


def test_server_timing_tells_where_the_time_went(client, cat):
    timing = client.post(URL, data=cat, content_type="image/jpeg").headers["Server-Timing"]

    stages = dict(stage.split(";dur=") for stage in timing.split(", "))
    assert all(float(ms) >= 0 for ms in stages.values())
    assert min(float(stages[name]) for name in ("decode", "infer", "encode", "total")) > 0


@pytest.mark.parametrize(
    ("sent", "pointer", "said"),
    [
        ({}, "/image", "exactly one"),
        ({"image": "QQ==", "msg": "QQ=="}, "/image", "exactly one"),
        ({"image": None}, "/image", "null"),
        ({"image": 7}, "/image", "not a string"),
        ({"image": ["QQ=="]}, "/image", "not a string"),
        ({"image": "QQ"}, "/image", "not base64"),
        ({"image": "Q Q="}, "/image", "not base64"),
        ({"image": "QQ==\n"}, "/image", "not base64"),
        ({"image": "_-__"}, "/image", "not base64"),
        ({"image": "żółw"}, "/image", "not base64"),
        ({"image": "QQ==QQ=="}, "/image", "not base64"),
        ({"image": "data:image/png,abc"}, "/image", "data URL"),
        ({"image": "data:image/png;base64"}, "/image", "data URL"),
        ({"msg": 1}, "/msg", "not a string"),
        ({"image": "QQ==", "pixels": 1}, "/pixels", "no such name; send image or msg"),
        ({"image": "QQ==", "a/b~c": 1}, "/a~1b~0c", "no such name"),
    ],
    ids=str,
)
def test_a_wrong_field_is_named(client, sent, pointer, said):
    problem = assert_problem(client.post(URL, json=sent), 422)

    assert problem["errors"][0]["pointer"] == pointer
    assert said in problem["errors"][0]["detail"]
    assert {"sent", "wanted"} <= problem["errors"][0].keys()
    assert client.post(URL, json=problem["example"]).status_code == 200


def test_thousands_of_wrong_fields_make_a_short_answer(client):
    answer = client.post(URL, json={f"{'x' * 1000}{index}": 1 for index in range(5000)})

    assert_problem(answer, 422)
    assert len(answer.data) < 10_000


def test_a_form_without_the_file_is_refused(client):
    answer = client.post(URL, data={"picture": (io.BytesIO(b"x"), "cat.jpg")})

    problem = assert_problem(answer, 422, "picture")
    assert problem["errors"][0]["pointer"] == "/image"


@pytest.mark.parametrize("media_type", ["text/plain", "application/octet-stream", None])
def test_no_door_is_415(client, cat, media_type):
    answer = client.post(URL, data=cat, content_type=media_type)

    assert_problem(answer, 415, "image/*", "multipart", "base64")


BAD_PICTURES = {
    "zero bytes": (b"", 400, "empty (0 bytes)"),
    "text": (b"just a text", 415, "not a picture"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "JPEG, PNG"),
    "only a signature": (b"\x89PNG\r\n\x1a\n", 415, "not a picture"),
}


@pytest.mark.parametrize("name", BAD_PICTURES)
@pytest.mark.parametrize("door", DOORS)
def test_what_is_not_a_picture_is_refused_by_every_door(client, name, door):
    data, status, said = BAD_PICTURES[name]

    assert_problem(client.post(URL, **DOORS[door](data)), status, said)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_a_truncated_picture_is_refused(client, cat, form):
    whole = encoded(Image.open(io.BytesIO(cat)), form)

    answer = client.post(URL, data=whole[: len(whole) * 2 // 3], content_type="image/jpeg")

    assert_problem(answer, 400, "cannot be read to its end")


def test_a_decompression_bomb_is_refused_with_both_figures(client):
    bomb = encoded(Image.new("1", (20_000, 20_000)), "PNG")

    answer = client.post(URL, data=bomb, content_type="image/png")

    assert_problem(answer, 413, "20000 × 20000", "25000000")


def test_an_unknown_model_is_refused_with_those_that_are_served(client, cat):
    answer = client.post("/models/cat-or-frog/predict", data=cat, content_type="image/jpeg")

    assert_problem(answer, 404, "'cat-or-frog'", "cat-or-dog")


def test_get_is_refused(client):
    answer = client.get(URL)

    assert_problem(answer, 405, "send POST")
    assert answer.headers["Allow"] == "POST"
