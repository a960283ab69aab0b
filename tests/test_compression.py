"""Compressed answers: who gets one, of what, and what the head says of it."""

import gzip
from dataclasses import replace

import pytest

from config.settings import from_environ
from service.app import create_app
from service.compression import pack, wants_gzip
from service.errors import DeadlineExceeded
from tests.conftest import eventually

FLOWER = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
PREDICT = "/models/iris/predict"
GZIP = {"Accept-Encoding": "gzip"}
BROWSER = {"Accept": "text/html", "Accept-Encoding": "gzip, deflate, br, zstd"}


@pytest.mark.parametrize(
    ("field", "wants"),
    [
        ("gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("deflate, gzip;q=0.5", True),
        ("*", True),
        ("*;q=0.1", True),
        ("identity;q=0, gzip;q=0.1", True),
        ("identity;q=0, *", True),
        ("gzip;q=1.0, identity;q=0.5, *;q=0", True),
        ("", False),
        ("identity", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("identity;q=0", False),
        ("identity, gzip;q=0.5", False),
        ("gzip;q=0.000", False),
        (",;q=", False),
        ("br, " * 100 + "gzip", True),
    ],
)
def test_gzip_is_for_who_takes_it_and_nothing_rather(field, wants):
    assert wants_gzip(field) is wants


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/models/iris", {}),
        ("/metrics", {}),
        ("/openapi.json", {}),
        ("/", BROWSER),
        ("/models/iris", BROWSER),
        ("/static/weir.css", {}),
    ],
)
def test_what_is_long_and_repeats_nothing_comes_in_gzip(client, path, fields):
    packed = client.get(path, headers=fields | GZIP)
    plain = client.get(path, headers=fields | {"Accept-Encoding": "identity"})

    assert packed.status_code == plain.status_code == 200
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data)
    if path != "/metrics":  # which two scrapes change
        assert gzip.decompress(packed.data) == plain.data
    for answer in (packed, plain):
        assert "Accept-Encoding" in answer.headers["Vary"]
        assert answer.content_type == plain.content_type


@pytest.mark.parametrize("count", [20, 1000], ids=["on the hub", "beside it"])
def test_a_prediction_of_many_rows_comes_in_gzip(client, count):
    sent = {"rows": [FLOWER] * count}
    packed = client.post(PREDICT, json=sent, headers=GZIP)
    plain = client.post(PREDICT, json=sent)

    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    assert packed.headers["Cache-Control"] == "no-store"


def test_a_short_prediction_comes_as_it_is(client):
    answer = client.post(PREDICT, json=FLOWER, headers=GZIP)

    assert answer.get_json()["success"] is True
    assert "Content-Encoding" not in answer.headers
    assert "Vary" not in answer.headers


LONG = "x" * 5000


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        ("/", {"msg": LONG}, 200),
        (f"/?msg={LONG}", None, 200),
        (PREDICT, {"rows": [{"sepal_length": "x" * 30, **FLOWER, "other": 1}] * 50}, 422),
        (f"/models/{LONG}", None, 404),
    ],
)
def test_what_repeats_what_was_sent_is_never_compressed(client, path, sent, status):
    method = "GET" if sent is None else "POST"
    for accept in ("application/json", "text/html"):
        fields = GZIP | {"Accept": accept}
        answer = client.open(path, method=method, json=sent, headers=fields)

        assert answer.status_code == status
        assert len(answer.data) > 1024
        assert "Content-Encoding" not in answer.headers


def test_a_picture_is_not_compressed_again(client):
    answer = client.get("/models/cat-or-dog/example", headers=GZIP)

    assert answer.content_type == "image/jpeg"
    assert len(answer.data) > 1024
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("path", ["/openapi.json", "/static/weir.css"])
def test_an_edition_has_a_tag_for_each_coding(client, path):
    packed, plain = client.get(path, headers=GZIP), client.get(path)
    tags = [each.headers["ETag"] for each in (packed, plain)]
    assert tags[0] != tags[1]

    for sent, fields in ((tags[0], GZIP), (tags[1], {})):
        again = client.get(path, headers=fields | {"If-None-Match": sent})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == sent
        assert "Accept-Encoding" in again.headers["Vary"]
    assert client.get(path, headers=GZIP | {"If-None-Match": tags[1]}).status_code == 200


@pytest.mark.parametrize("path", ["/models/iris", "/openapi.json", "/static/weir.css"])
def test_a_head_says_what_a_get_would_have(client, path):
    got, told = client.get(path, headers=GZIP), client.head(path, headers=GZIP)

    assert told.data == b""
    for name in ("Content-Encoding", "Content-Length", "Vary"):
        assert told.headers[name] == got.headers[name]


def test_an_answer_goes_as_it_is_while_the_thread_is_taken(client, app, monkeypatch):
    def late(*_):
        raise DeadlineExceeded("too late")

    monkeypatch.setattr(app.parsing, "run", late)
    answer = client.post(PREDICT, json={"rows": [FLOWER] * 500}, headers=GZIP)

    assert len(answer.get_json()["response"]) == 500
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Vary"] == "Accept-Encoding"


def test_it_can_be_switched_off():
    app = create_app(replace(from_environ(), compression=False))
    eventually(lambda: not app.catalog.unready())
    client = app.test_client()

    for path in ("/metrics", "/openapi.json", "/models/iris"):
        answer = client.get(path, headers=GZIP)
        assert "Content-Encoding" not in answer.headers
        assert "Accept-Encoding" not in answer.headers.get("Vary", "")
    named = client.post(
        "/v2/models/iris/infer",
        headers=GZIP,
        json={"inputs": [{"name": "rows", "datatype": "FP32", "shape": [1, 4], "data": [1] * 4}]},
    )
    assert named.get_json()["model_name"] == "iris"


def test_the_same_becomes_the_same():
    assert pack(b"weir" * 1000) == pack(b"weir" * 1000)
