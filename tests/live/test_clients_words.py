"""What proxies and clients send beside the tutorial's calls, to a real instance."""

import gzip
import json
import socket
import zlib

import pytest
import requests

from tests.conftest import CAT, eventually
from tests.live.instance import Instance

FLOWER = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
IRIS = "/models/iris/predict"
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def instance(tmp_path_factory):
    with Instance(tmp_path_factory.mktemp("words"), WEIR_METRICS_TOKEN="s3cret\n") as made:
        yield made


def raw(instance, request, timeout_s=10):
    """The status line, the fields and the body of the answer to the bytes of *request*."""
    with socket.create_connection(("127.0.0.1", instance.port), timeout=timeout_s) as connection:
        connection.sendall(request)
        received = b""
        while piece := connection.recv(1 << 16):
            received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    return line, dict(field.split(": ", 1) for field in fields), body


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(json.dumps(FLOWER).encode(), mtime=0)),
        ("GZIP", gzip.compress(json.dumps(FLOWER).encode(), mtime=0)),
        ("deflate", zlib.compress(json.dumps(FLOWER).encode())),
        ("identity", json.dumps(FLOWER).encode()),
    ],
)
def test_a_compressed_body_is_read(instance, coding, body):
    answer = requests.post(
        instance.url + IRIS, body, headers=JSON | {"Content-Encoding": coding}, timeout=10
    )

    assert answer.json()["response"]["label"] == "setosa"


def test_a_compressed_picture_is_read_and_a_bomb_is_not(instance):
    url, kind = instance.url + "/models/cat-or-dog/predict", {"Content-Type": "image/jpeg"}
    packed = kind | {"Content-Encoding": "gzip"}

    answer = requests.post(url, gzip.compress(CAT.read_bytes()), headers=packed, timeout=10)
    assert answer.json()["response"]["label"] == "cat"

    answer = requests.post(url, gzip.compress(bytes(64 << 20)), headers=packed, timeout=10)
    assert answer.status_code == 413
    assert "once it is expanded" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"Content-Encoding": "snappy"},
            "Content-Encoding 'snappy'; send it in one of gzip, deflate",
        ),
        ({"Content-Encoding": "gzip, gzip"}, "Content-Encoding 'gzip, gzip'"),
        (
            {"Content-Type": "application/json; charset=latin-1"},
            "charset 'latin-1'; send it in UTF-8",
        ),
        ({"Content-Type": 'application/json; charset="UTF-16"'}, "charset 'UTF-16'"),
    ],
)
def test_what_is_not_read_is_named(instance, fields, said):
    answer = requests.post(instance.url + IRIS, b"{}", headers=JSON | fields, timeout=10)

    assert answer.status_code == 415
    assert said in answer.json()["detail"]
    if "Content-Encoding" in fields:
        assert answer.headers["Accept-Encoding"].startswith("gzip, deflate")


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', "us-ascii"])
def test_utf_8_is_read_by_any_of_its_names(instance, charset):
    kind = {"Content-Type": f"application/json; charset={charset}"}

    assert requests.post(instance.url, b'{"msg": 1}', headers=kind, timeout=10).status_code == 200


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("PUT /", 405),
        ("POST /nowhere", 404),
        ("POST /models", 405),
        ("DELETE /models/iris/predict", 405),
        ("POST /healthz", 405),
    ],
)
@pytest.mark.parametrize("framing", ["Content-Length: 9000000", "Transfer-Encoding: chunked"])
def test_what_no_route_takes_is_answered_before_its_body(instance, request_line, status, framing):
    line, fields, body = raw(  # whose time is half of a body's
        instance,
        f"{request_line} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n{framing}\r\n\r\n".encode(),
    )

    assert line.split(" ")[1] == str(status)
    assert fields["Connection"] == "close"
    assert json.loads(body)["status"] == status


HOST = b"Host: a\r\n"
REFUSED = [
    (b"GET /x", HOST + b"Bad Name: 1\r\n", 400, "malformed_field_name"),
    (b"GET /x", HOST + b" folded\r\n", 400, "folded_field"),
    (b"GET /x", b"Host: a b\r\n", 400, "malformed_host"),
    (b"GET /x", b"", 400, "no_host"),
    (b"POST /x", HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n", 400, "malformed_field"),
    (b"POST /x", HOST + b"Transfer-Encoding: br\r\n", 501, "transfer_coding"),
    (b"POST /x", HOST + b"Content-Length: 99999999\r\n", 413, "request_entity_too_large"),
    (b"GET /x?" + b"a" * 9000, HOST, 414, "request_line_too_long"),
    (b"GET /x", HOST + b"X: " + b"b" * 9000 + b"\r\n", 431, "fields_too_large"),
    (b"GET /x", HOST + b"Expect: tea\r\n", 417, "expectation"),
    (b"GET /x\xff", HOST, 400, "malformed_request_line"),
]


@pytest.mark.parametrize(("started", "fields", "status", "reason"), REFUSED)
def test_every_refusal_has_a_date_and_a_line_that_says_what_and_why(
    instance, started, fields, status, reason
):
    before = len(instance.lines(event="http_request", reason=reason))

    line, answered, _ = raw(instance, started + b" HTTP/1.1\r\n" + fields + b"\r\n")

    assert line.split(" ")[1] == str(status)
    assert answered["Date"].endswith("GMT")
    (told,) = eventually(lambda: instance.lines(event="http_request", reason=reason)[before:])
    assert told["method"] == started.split(b" ")[0].decode()
    assert told["path"] in {"/x", ""} if status == 400 else told["path"] == "/x"


@pytest.mark.parametrize("host", ["weir_web:8000", "$(id)", "a;rm", "[::1]:80", "localhost"])
def test_a_card_s_commands_are_harmless_whatever_the_host(instance, host):
    card = requests.get(f"{instance.url}/models/iris", headers={"Host": host}, timeout=10).json()

    url = f"http://{host}/models/iris/predict"
    assert card["model"]["predict"] == url
    plain = host in {"weir_web:8000", "localhost"}
    assert (url if plain else f"'{url}'") in card["model"]["curl"]
    assert f"'{url}?" in card["model"]["curl_get"]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
@pytest.mark.parametrize(
    "accept",
    [
        'application/openmetrics-text;version="1.0.0"',
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
        "APPLICATION/OpenMetrics-Text",
        "text/plain;q=0.5,application/openmetrics-text;version=1.0.0;q=0.9",
    ],
)
def test_a_scrape_is_let_in_and_answered_as_it_likes(instance, scheme, accept):
    answer = requests.get(
        f"{instance.url}/metrics",
        headers={"Authorization": f"{scheme} s3cret", "Accept": accept},
        timeout=10,
    )

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "text/plain",
        "application/openmetrics-text;q=0",
        "application/openmetrics-text;version=99",
        "text/plain;version=0.0.4,application/openmetrics-text;q=0.1",
        "application/json",
        ";;;,=",
    ],
)
def test_everybody_else_has_text(instance, accept):
    answer = requests.get(
        f"{instance.url}/metrics",
        headers={"Authorization": "Bearer s3cret", "Accept": accept},
        timeout=10,
    )

    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")


@pytest.mark.parametrize("sent", ["Basic s3cret", "s3cret", "Bearer", "Bearer s3cre", ""])
def test_nobody_else_is_let_in(instance, sent):
    answer = requests.get(f"{instance.url}/metrics", headers={"Authorization": sent}, timeout=10)

    assert answer.status_code == 401


def test_an_answer_says_for_how_long_the_connection_is_kept(instance):
    answer = requests.get(instance.url, timeout=10)

    assert answer.headers["Connection"] == "keep-alive"
    assert answer.headers["Keep-Alive"] == "timeout=95"
