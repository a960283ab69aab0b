"""Whatever a client sends, a line stays one line, of bounded length, without what is secret."""

import json
import re

import pytest
import requests

from tests.conftest import eventually
from tests.live.instance import Instance
from tests.live.wire import Wire

CANARY = "c4n4ry"

HOSTILE = {
    "CR and LF": "a%0d%0a%7b%22event%22:%22forged%22%7d",
    "ESC": "a%1b[2J%1b]0;title%07",
    "C1 controls": "a%c2%9b31m%c2%85",
    "line separators": "a%e2%80%a8b%e2%80%a9c",
    "a direction": "a%e2%80%aegpj.exe",
    "a lone surrogate": "a%ed%a0%80",
    "bytes that are no UTF-8": "a%ff%fe",
    "NUL and DEL": "a%00%7f",
    "quotes": "a%22%5c%22,%22level%22:%22error",
}

# Where secrets stand: in fields, in the query, in bodies of each form, in what cannot be parsed.
JSON = "application/json"
SECRETS = {
    "Authorization": b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n\r\n",
    "Cookie": b"GET / HTTP/1.1\r\nHost: a\r\nCookie: session=%s\r\n\r\n",
    "an own field": b"GET / HTTP/1.1\r\nHost: a\r\nX-Api-Key: %s\r\nReferer: http://a/?%s\r\n\r\n",
    "the query": b"GET /?msg=%s&token=%s HTTP/1.1\r\nHost: a\r\n\r\n",
    "a model's query": b"GET /models/iris/predict?sepal_length=%s HTTP/1.1\r\nHost: a\r\n\r\n",
    "an absolute target": b"GET http://user:%s@a/?%s HTTP/1.1\r\nHost: a\r\n\r\n",
    "the host": b"GET / HTTP/1.1\r\nHost: %s!@\r\n\r\n",
    "a malformed field": b"GET / HTTP/1.1\r\nHost: a\r\n%s bad: 1\r\n\r\n",
    "a trace's state": b"GET / HTTP/1.1\r\nHost: a\r\ntracestate: a=%s\r\n\r\n",
    "a request's id": b"GET / HTTP/1.1\r\nHost: a\r\nX-Request-ID: %s %s\r\n\r\n",
}
BODIES = {
    "JSON": (JSON, '{"msg": "%s"}'),
    "broken JSON": (JSON, '{"msg": "%s'),
    "a name": (JSON, '{"%s": 1, "sepal_length": 1}'),
    "a wrong value": (JSON, '{"sepal_length": "%s"}'),
    "a form": ("application/x-www-form-urlencoded", "msg=%s"),
    "a multipart form": (
        "multipart/form-data; boundary=B",
        '--B\r\nContent-Disposition: form-data; name="image"; filename="%s"\r\n\r\n%s\r\n--B--\r\n',
    ),
    "no known type": ("text/plain", "%s"),
}


@pytest.fixture(scope="module", params=["info", "debug"])
def service(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    with Instance(folder, WEIR_LOG_LEVEL=request.param) as instance:
        yield instance


def written(service, count):
    """The log's bytes, once it has so many lines of requests; each line is checked."""
    eventually(lambda: len(service.lines(event="http_request")) >= count)
    raw = service.log.read_bytes()
    for line in raw.splitlines(keepends=True):
        assert len(line) <= 4096
        assert isinstance(json.loads(line), dict)
    text = raw.decode()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", text)
    return text


@pytest.mark.parametrize("sent", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_path_or_agent_makes_one_harmless_line(service, sent):
    before = len(service.lines(event="http_request"))
    agent = bytes.fromhex("".join(re.findall("%(..)", sent))).translate(None, b"\r\n\x00")
    agent = re.sub(rb"[\x00-\x1f\x7f]", b"", agent)
    with Wire(service.port) as wire:
        head = b"GET /%s HTTP/1.1\r\nHost: a\r\nUser-Agent: x%s\r\nX-Forwarded-For: %s\r\n\r\n"
        answer = wire.send(head % (sent.encode(), agent, agent)).answer()

    assert answer.status == 404
    written(service, before + 1)
    assert len(service.lines(event="http_request")) == before + 1
    assert not service.lines(event="forged")


def test_a_megabyte_makes_one_short_line(service):
    before = len(service.lines(event="http_request"))
    with Wire(service.port) as wire:
        assert wire.send(b"GET /" + b"x" * (1 << 20)).answer().status == 414
    with Wire(service.port) as wire:
        head = b"GET /%s HTTP/1.1\r\nHost: a\r\nUser-Agent: %s\r\n\r\n"
        assert wire.send(head % (b"y" * 4000, b"z" * 8000)).answer().status == 404
    requests.post(service.url, json={"msg": "x" * (1 << 20)}, timeout=10)

    written(service, before + 3)
    assert len(service.lines(event="http_request")) == before + 3


@pytest.mark.parametrize("sent", SECRETS.values(), ids=SECRETS)
def test_what_stands_in_a_field_or_the_query_is_in_no_line(service, sent):
    before = len(service.lines(event="http_request"))
    with Wire(service.port) as wire:
        wire.send(sent.replace(b"%s", CANARY.encode())).answer()

    assert CANARY not in written(service, before + 1)


@pytest.mark.parametrize("path", ["/", "/models/iris/predict", "/models/cat-or-dog/predict"])
@pytest.mark.parametrize(("kind", "body"), BODIES.values(), ids=BODIES)
def test_what_stands_in_a_body_is_in_no_line(service, path, kind, body):
    before = len(service.lines(event="http_request"))
    content = body.replace("%s", CANARY)
    requests.post(service.url + path, data=content, headers={"Content-Type": kind}, timeout=10)

    assert CANARY not in written(service, before + 1)
