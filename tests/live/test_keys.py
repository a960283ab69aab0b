"""Who may ask: what requests with and without keys are answered, and where no key appears."""

import re
from pathlib import Path

import pytest
import requests

from config.api_keys import digest_of
from service.access.routes import OPEN, WHO_MAY_ASK
from tests.live.keyed import OPS, OTHER, PREDICT, PROM, SHOP, TOKEN, bearer, field
from tests.live.wire import Wire


@pytest.mark.parametrize(
    ("path", "fields", "status", "said"),
    [
        (
            "/?msg=a",
            {},
            401,
            "this needs a key for predict; send Authorization: Bearer <key>, or X-API-Key",
        ),
        ("/?msg=a", bearer(SHOP), 200, ""),
        ("/?msg=a", {"Authorization": f"BEARER   {SHOP} "}, 200, ""),
        ("/?msg=a", field(SHOP), 200, ""),
        ("/?msg=a", bearer(SHOP) | field(SHOP), 200, ""),
        ("/?msg=a", bearer(SHOP) | field(OPS), 401, "carry two keys"),
        ("/?msg=a", {"Authorization": "Basic dXNlcjpwYXNz"}, 401, "another scheme than Bearer"),
        ("/?msg=a", {"Authorization": "Basic dXNlcjpwYXNz"} | field(SHOP), 200, ""),
        ("/?msg=a", {"Authorization": SHOP}, 401, "another scheme than Bearer"),
        ("/?msg=a", bearer(""), 401, "this needs a key"),
        ("/?msg=a", bearer(OTHER), 401, "none that is known here"),
        ("/?msg=a", bearer(SHOP[:-1]), 401, "none that is known here"),
        ("/?msg=a", bearer(SHOP + "0"), 401, "none that is known here"),
        ("/?msg=a", bearer(SHOP.upper()), 401, "none that is known here"),
        ("/?msg=a", bearer(f"{SHOP} {OPS}"), 401, "none that is known here"),
        ("/?msg=a", bearer(digest_of(SHOP).hex()), 401, "none that is known here"),
        ("/?msg=a", bearer("x" * 7000), 401, "none that is known here"),
        ("/?msg=a", bearer("\xff"), 401, "none that is known here"),
        (f"/?msg=a&api_key={SHOP}", {}, 401, "a key in the address is not read"),
        (f"/?msg=a&access_token={SHOP}", {}, 401, "a key in the address is not read"),
        (PREDICT, {}, 401, "this needs a key"),
        (PREDICT, bearer(SHOP), 200, ""),
        (f"{PREDICT}&key={SHOP}", {}, 401, "a key in the address is not read"),
        ("/models/cat-or-dog", bearer(SHOP), 403, "the key 'shop' may ask other models: iris"),
        ("/v2/models/cat-or-dog", bearer(SHOP), 403, "the key 'shop' may ask other models: iris"),
        ("/models/none", bearer(SHOP), 403, "the key 'shop' may ask other models: iris"),
        ("/models/none", bearer(OPS), 404, "none"),
        ("/v2/models/iris", bearer(SHOP), 200, ""),
        (PREDICT, bearer(PROM), 403, "the key 'prom' is for metrics, and this is predict"),
        ("/metrics", {}, 401, "this needs a key for metrics"),
        ("/metrics", bearer(SHOP), 403, "the key 'shop' is for predict, and this is metrics"),
        ("/metrics", bearer(PROM), 200, ""),
        ("/metrics", bearer(TOKEN), 200, ""),
        ("/?msg=a", bearer(TOKEN), 403, "the key 'metrics-token' is for metrics"),
        ("/no/such/path", {}, 404, "nothing is served"),
        ("/healthz", {}, 200, ""),
        ("/readyz", bearer(OTHER), 200, ""),
        ("/v2/health/ready", {}, 200, ""),
    ],
)
def test_a_request_is_answered_by_its_key(guarded, path, fields, status, said):
    answer = requests.get(guarded.url + path, headers=fields, timeout=20)

    assert answer.status_code == status, answer.text
    if said:
        assert said in answer.json()["detail"]
        assert answer.json()["success"] is False
    if status in {401, 403}:
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="weir"')
        assert answer.json()["request_id"] == answer.headers["X-Request-ID"]


@pytest.mark.parametrize("route", sorted(r for r, who in WHO_MAY_ASK.items() if who != OPEN))
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_no_route_answers_without_a_key(guarded, route, method):
    path = (
        route.replace("<name>", "iris").replace("<version>", "1").replace("<path:rest>", "status")
    )
    path = re.sub(r"<any\((\w+).*?\):kind>", r"\1", path)

    answer = requests.request(method, guarded.url + path, timeout=20)

    assert answer.status_code in {401, 405}
    others = {"GET", "POST"} - {method}
    if answer.status_code == 405:
        assert others & {*answer.headers["Allow"].split(", ")}


def test_a_body_is_not_read_of_who_may_not_ask(guarded):
    with Wire(guarded.port) as wire:
        wire.send(
            b"POST /models/iris/predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            b"Content-Length: 9000000\r\nExpect: 100-continue\r\n\r\n"
        )
        answer = wire.answer()

        assert answer.status == 401
        assert answer.fields["connection"] == "close"


def test_the_key_s_name_is_in_the_log_and_a_label(guarded):
    sent = requests.get(guarded.url + PREDICT, headers=bearer(OPS), timeout=20)

    (line,) = guarded.lines(request_id=sent.headers["X-Request-ID"])
    scrape = requests.get(f"{guarded.url}/metrics", headers=bearer(PROM), timeout=20).text
    assert line["key"] == "ops"
    assert re.search(
        r'^api_key_requests_total\{key="ops",status="200"\} [1-9]', scrape, re.MULTILINE
    )


def test_a_key_s_admin_may_change_models_and_others_not(guarded):
    index = f"{guarded.url}/v2/repository/index"

    assert requests.post(index, headers=bearer(SHOP), timeout=20).status_code == 403
    assert requests.post(index, headers=bearer(OPS), timeout=20).ok


def test_no_key_appears_anywhere_but_where_it_was_sent(guarded):
    paths = ("/", "/?msg=a", PREDICT, "/models/none", "/no/such", "/metrics", "/v2/nothing")
    keys = (SHOP, PROM, OPS, OTHER, TOKEN)
    told = [
        requests.get(guarded.url + path, headers=fields, timeout=20).text
        for path in paths
        for key in keys
        for fields in (bearer(key), field(key), {"Authorization": f"Basic {key}"})
    ]
    for path in ("/models/iris/predict", "/v2/models/iris/infer"):
        sent = requests.post(guarded.url + path, data=b"{", headers=bearer(OPS), timeout=20)
        told.append(sent.text)
    with Wire(guarded.port) as wire:
        wire.send(f"GET / HTTP/1.1\r\nHost: a\r\nX-API-Key: {SHOP}\r\n folded\r\n\r\n".encode())
        told.append(wire.answer().body.decode())

    written = [guarded.log.read_text(), *told]
    kept = [*Path("/dev/shm").glob(f"weir-{guarded.port}-*/**/*")]
    written += [path.read_bytes().decode("latin-1") for path in kept if path.is_file()]
    assert len(written) > len(told) + 2
    for canary in keys:
        assert not [text for text in written if canary in text]
