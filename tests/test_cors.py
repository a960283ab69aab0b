"""Answers to pages of other origins; a real browser at them: tests/live/test_other_origins.py."""

from dataclasses import replace

import pytest

from config.settings import from_environ
from service.app import create_app
from service.cors import is_preflight
from tests.conftest import assert_problem, eventually

SHOP, OTHER = "https://shop.example", "https://other.example"
VARIES = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


def client_of(*origins):
    app = create_app(replace(from_environ(), cors_origins=origins))
    eventually(lambda: not app.catalog.unready())
    return app.test_client()


@pytest.fixture(scope="module")
def shops():
    return client_of(SHOP, "http://localhost:5173")


@pytest.fixture(scope="module")
def anyones():
    return client_of("*")


def preflight(client, path, origin=SHOP, method="POST", **fields):
    told = {"Origin": origin, "Access-Control-Request-Method": method}
    return client.options(path, headers=told | fields)


def names(field):
    return {name.strip().lower() for name in field.split(",")}


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/", "GET, HEAD, POST"),
        ("/models/iris/predict", "GET, HEAD, POST"),
        ("/models/iris/versions/1/predict", "GET, HEAD, POST"),
        ("/v2/models/iris/infer", "POST"),
        ("/metrics", "GET, HEAD"),
    ],
)
def test_a_preflight_is_answered_for_whatever_a_route_takes(shops, path, methods):
    answer = preflight(shops, path, method="DELETE")

    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == SHOP
    assert answer.headers["Access-Control-Allow-Methods"] == methods
    assert answer.headers["Access-Control-Max-Age"] == "7200"
    assert answer.headers["Vary"] == VARIES
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Content-Type" not in answer.headers


def test_a_preflight_names_the_fields_that_are_read_here(shops):
    allowed = names(preflight(shops, "/").headers["Access-Control-Allow-Headers"])

    assert allowed >= {
        "authorization", "x-api-key", "content-type", "content-encoding", "x-request-id",
        "traceparent", "x-request-deadline-ms", "inference-header-content-length",
    }  # fmt: skip


def test_an_origin_that_is_not_allowed_gets_a_preflight_without_leave(shops):
    answer = preflight(shops, "/", OTHER)

    assert answer.status_code == 204
    assert answer.headers["Vary"] == VARIES
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control-")]


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        ("/?msg=Hello", None, 200),
        ("/models/iris/predict", {}, 422),
        ("/nowhere", None, 404),
        ("/v2/models/iris/infer", {"inputs": 1}, 400),
        ("/readyz", None, 200),
    ],
)
def test_answers_and_errors_may_be_read_by_who_is_allowed(shops, path, sent, status):
    method = "GET" if sent is None else "POST"
    for origin, may in ((SHOP, SHOP), (OTHER, None), (f"{SHOP}.evil", None), ("null", None)):
        answer = shops.open(path, method=method, json=sent, headers={"Origin": origin})

        assert answer.status_code == status
        assert answer.headers.get("Access-Control-Allow-Origin") == may
        assert ("Access-Control-Expose-Headers" in answer.headers) is bool(may)
        assert answer.headers.getlist("Vary") == ["Origin"]


def test_what_may_be_read_are_the_fields_that_tell_something(shops):
    answer = shops.get("/models/nobody", headers={"Origin": SHOP})

    assert names(answer.headers["Access-Control-Expose-Headers"]) >= {
        "x-request-id", "retry-after", "server-timing", "ratelimit", "ratelimit-policy", "etag",
        "inference-header-content-length", "www-authenticate",
    }  # fmt: skip


def test_an_answer_varies_by_origin_also_where_there_is_none(shops):
    assert shops.get("/?msg=Hello").headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Origin" not in shops.get("/?msg=Hello").headers
    both = shops.get("/", headers={"Origin": SHOP})
    assert both.headers.getlist("Vary") == ["Origin, Accept"]


def test_anyone_is_told_so_and_nothing_varies(anyones):
    for fields in ({}, {"Origin": OTHER}):
        answer = anyones.get("/?msg=Hello", headers=fields)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "Vary" not in answer.headers
    answer = preflight(anyones, "/models/iris/predict", OTHER)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (204, "*")


@pytest.mark.parametrize(
    "fields",
    [{}, {"Origin": SHOP}, {"Access-Control-Request-Method": "POST"}],
)
def test_options_that_are_no_preflight_are_refused_as_ever(shops, fields):
    answer = shops.options("/", headers=fields)

    assert_problem(answer, 405, "does not take OPTIONS")
    assert names(answer.headers["Allow"]) == {"get", "head", "post"}


def test_a_path_that_is_not_there_has_no_preflight(shops):
    assert_problem(preflight(shops, "/nowhere"), 404)


def test_where_no_origin_is_set_nothing_is_said_of_origins(client):
    answer = preflight(client, "/")

    assert_problem(answer, 405, "does not take OPTIONS")
    assert "Vary" not in answer.headers
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control-")]


def test_a_preflight_is_known_by_its_three_parts():
    whole = {
        "REQUEST_METHOD": "OPTIONS",
        "HTTP_ORIGIN": SHOP,
        "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "GET",
    }
    assert is_preflight(whole)
    assert not is_preflight(whole | {"REQUEST_METHOD": "GET"})
    assert not any(
        is_preflight({name: value for name, value in whole.items() if name != left_out})
        for left_out in ("HTTP_ORIGIN", "HTTP_ACCESS_CONTROL_REQUEST_METHOD")
    )
