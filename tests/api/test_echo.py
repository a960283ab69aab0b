import base64
import io
import json
import os

import pytest

from tests.conftest import assert_problem


def test_msg_by_query(client):
    answer = client.get("/?msg=Hello")

    assert answer.status_code == 200
    assert answer.data == b'{"response":"Hello","success":true}'
    assert answer.content_type == "application/json"


@pytest.mark.parametrize(
    "value",
    [
        "Hello",
        "",
        "żółw 🐢  ",
        None,
        True,
        0,
        -1.5,
        1e300,
        2**64 - 1,
        -(2**63),
        [],
        [1, [2, {"a": None}]],
        {"b": 1, "a": {"c": []}},
    ],
    ids=repr,
)
def test_any_json_value_comes_back_as_it_went(client, value):
    answer = client.post("/", json={"msg": value})

    assert answer.status_code == 200
    assert json.loads(answer.data) == {"response": value, "success": True}


def test_a_picture_of_5_mb_comes_back_byte_for_byte(client):
    picture = os.urandom(5_000_000)

    answer = client.post("/", json={"msg": base64.b64encode(picture).decode()})

    assert base64.b64decode(answer.get_json()["response"]) == picture


@pytest.mark.parametrize(
    "sent",
    [
        {"method": "GET"},
        {"method": "GET", "query_string": "other=1"},
        {"method": "POST"},
        {"method": "POST", "json": {}},
        {"method": "POST", "json": {"other": 1}},
        {"method": "POST", "data": {"other": "1"}},
    ],
)
def test_no_msg_is_no_success(client, sent):
    answer = client.open("/", **sent)

    assert answer.status_code == 200
    assert answer.get_json() == {"success": False}


def test_a_json_body_wins_over_the_query(client):
    assert client.post("/?msg=query", json={"msg": "body"}).get_json()["response"] == "body"
    assert client.get("/?msg=query", json={"msg": "body"}).get_json()["response"] == "body"
    assert client.post("/?msg=query", json={"other": 1}).get_json() == {"success": False}


def test_a_post_without_a_body_falls_back_to_the_query(client):
    assert client.post("/?msg=query").get_json() == {"response": "query", "success": True}


def test_an_empty_json_body_is_no_body(client):
    answer = client.post("/?msg=query", data=b"", content_type="application/json")

    assert answer.get_json() == {"response": "query", "success": True}


def test_form_fields(client):
    urlencoded = client.post("/?msg=query", data={"msg": "field & more"})
    multipart = client.post("/", data={"msg": "field", "file": (io.BytesIO(b"x"), "x.txt")})

    assert urlencoded.get_json() == {"response": "field & more", "success": True}
    assert multipart.get_json() == {"response": "field", "success": True}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"msg": ', "not valid JSON"),
        (b"{'msg': 1}", "not valid JSON"),
        (b'{"msg": NaN}', "not valid JSON"),
        (b'{"msg": 1e400}', "not valid JSON"),
        (b'\xef\xbb\xbf{"msg": 1}', "not valid JSON"),
        (b'{"msg": "\xff"}', "not valid JSON"),
        (b'{"msg": "\\ud800"}', "not valid JSON"),
        (b'[{"msg": 1}]', "JSON array; send an object"),
        (b'"Hello"', "JSON string; send an object"),
        (b"17", "JSON number; send an object"),
        (b"true", "JSON boolean; send an object"),
        (b"null", "JSON null; send an object"),
        (b'{"msg": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "not valid JSON"),
        (b'{"msg": ' + b"[" * 1000 + b"]" * 1000 + b"}", "deeper than can be answered"),
        (b'{"msg": ' + b"[" * 254 + b"]" * 254 + b"}", "deeper than can be answered"),
        (b'{"msg": 18446744073709551616}', "does not fit 64 bits"),
        (b'{"msg": [-9223372036854775809]}', "does not fit 64 bits"),
        (b'{"msg": ' + b"9" * 300 + b"}", "does not fit 64 bits"),
    ],
    ids=lambda value: str(value[:40]) if isinstance(value, bytes) else None,
)
def test_what_is_not_a_json_object_is_refused(client, body, said):
    answer = client.post("/", data=body, content_type="application/json")

    assert_problem(answer, 400, said)


def test_nesting_up_to_the_limit_is_echoed(client):
    nested = b"[" * 253 + b"]" * 253

    answer = client.post("/", data=b'{"msg": ' + nested + b"}", content_type="application/json")

    assert answer.data == b'{"response":' + nested + b',"success":true}'


def test_many_flat_containers_are_not_deep(client):
    answer = client.post("/", json={"msg": [[], {}] * 500})

    assert answer.get_json()["response"] == [[], {}] * 500


def test_a_long_integer_in_a_string_is_just_a_string(client):
    assert client.post("/", json={"msg": "9" * 40}).get_json()["response"] == "9" * 40


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "image/png", None])
def test_another_media_type_is_refused(client, media_type):
    answer = client.post("/", data=b"Hello", content_type=media_type)

    assert_problem(answer, 415, "send application/json")


def test_a_malformed_form_is_refused(client):
    answer = client.post("/", data=b"Hello", content_type="multipart/form-data")

    assert_problem(answer, 400, "form cannot be read")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_another_method_is_refused(client, method):
    answer = client.open("/", method=method)

    assert_problem(answer, 405, "send GET, HEAD, POST")
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST"}


def test_head_is_get_without_a_body(client):
    answer = client.head("/?msg=Hello")

    assert answer.status_code == 200
    assert answer.content_length == len(b'{"response":"Hello","success":true}')
    assert answer.data == b""


@pytest.mark.parametrize("path", ["/nowhere", "/models//cat-or-dog", "/models/x/y", "/%00", "/%ff"])
def test_an_unknown_path_is_refused(client, path):
    assert_problem(client.get(path), 404, "/models")
