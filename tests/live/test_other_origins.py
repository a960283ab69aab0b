"""Pages of other origins in a real Chromium, and what the worker's own refusals tell them."""

import gzip
import http.client
import threading
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from tests.live.browsing import PATIENCE_MS
from tests.live.instance import Instance, free_port

FLOWER = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}

# What a page's script may learn of an answer; or that it may learn nothing.
ASK = """async ([url, options]) => {
  try {
    const answer = await fetch(url, options);
    const fields = Object.fromEntries(answer.headers.entries());
    return { status: answer.status, fields, said: await answer.json() };
  } catch (error) {
    return { thrown: error.name };
  }
}"""
EMBED = """(url) => new Promise((resolve) => {
  const picture = new Image();
  picture.onload = () => resolve("shown");
  picture.onerror = () => resolve("refused");
  picture.src = url;
})"""


class Blank(BaseHTTPRequestHandler):
    """A page with nothing in it."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>shop</title>")

    def log_message(self, *_):
        pass


@contextmanager
def site():
    """The origin of a page that is served meanwhile."""
    server = ThreadingHTTPServer(("127.0.0.1", free_port()), Blank)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def shop():
    with site() as origin:
        yield origin


@pytest.fixture(scope="module")
def served(tmp_path_factory, shop):
    variables = {"WEIR_CORS_ORIGINS": shop, "WEIR_BODY_LIMIT_BYTES": "4096", "WEIR_HSTS_S": "60"}
    with Instance(tmp_path_factory.mktemp("origins"), **variables) as instance:
        yield instance


@contextmanager
def at(browser, origin):
    """A page of *origin*, to whose scripts other addresses answer."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(origin)
    yield page
    context.close()


def ask(page, url, sent=None, **fields):
    options = {"headers": fields}
    if sent is not None:
        options |= {"method": "POST", "body": sent}
        options["headers"] = {"Content-Type": "application/json"} | fields
    return page.evaluate(ASK, [url, options])


def test_a_page_of_an_allowed_origin_asks_as_the_services_own_would(browser, served, shop):
    with at(browser, shop) as page:
        echo = ask(page, f"{served.url}/?msg=Hello")
        assert (echo["status"], echo["said"]["response"]) == (200, "Hello")
        assert len(echo["fields"]["x-request-id"]) >= 20
        assert "server-timing" in echo["fields"]

        row = '{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}'
        key = {"Authorization": "Bearer secret", "X-API-Key": "secret"}
        traced = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "X-Request-Deadline-Ms": "5000"}
        answer = ask(page, f"{served.url}/models/iris/predict", row, **key, **traced)
        assert answer["said"]["response"]["label"] == "setosa"
        (asked,) = served.lines(event="http_request", method="OPTIONS")
        assert (asked["status"], asked["path"]) == (204, "/models/iris/predict")

        wrong = ask(page, f"{served.url}/models/iris/predict", '{"sepal_length": 5.1}')
        assert wrong["status"] == 422
        assert wrong["said"]["errors"]
        assert wrong["said"]["request_id"] == wrong["fields"]["x-request-id"]

        large = ask(page, f"{served.url}/", f'{{"msg": "{"x" * 5000}"}}')
        assert (large["status"], large["said"]["status"]) == (413, 413)


def test_a_page_of_another_origin_learns_nothing(browser, served):
    posts = partial(served.lines, event="http_request", method="POST")
    before = len(posts())
    with site() as other, at(browser, other) as page:
        assert ask(page, f"{served.url}/?msg=Hello") == {"thrown": "TypeError"}
        assert ask(page, f"{served.url}/models/iris/predict", "{}") == {"thrown": "TypeError"}
    assert len(posts()) == before  # its preflight had no leave


def test_no_page_of_another_origin_shows_what_is_here(browser, served, shop):
    picture = f"{served.url}/models/cat-or-dog/example"
    with at(browser, shop) as page:
        assert page.evaluate(EMBED, picture) == "refused"
        assert (
            page.evaluate("async (url) => (await (await fetch(url)).blob()).type", picture)
            == "image/jpeg"
        )


def raw(served, head, body=b""):
    """The answer to a request that no client library would send."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    connection.connect()
    connection.sock.sendall("\r\n".join([*head, "", ""]).encode() + body)
    answer = http.client.HTTPResponse(connection.sock)
    answer.begin()
    connection.close()
    return answer


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (["POST / HTTP/1.1", "Host: a", "Content-Length: 99999"], 413),
        (["GET / HTTP/1.1"], 400),
        (["POST / HTTP/1.1", "Host: a", "Transfer-Encoding: gzip, chunked"], 501),
        (["POST /nowhere HTTP/1.1", "Host: a", "Content-Length: 9"], 404),
    ],
)
def test_the_workers_refusals_bear_the_fields_of_all_answers(served, shop, head, status):
    for origin, may in ((shop, shop), ("https://other.example", None)):
        answer = raw(served, [*head, f"Origin: {origin}"])

        assert answer.status == status
        assert answer.headers["Access-Control-Allow-Origin"] == may
        assert answer.headers["Vary"] == "Origin"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_preflight_is_a_head_alone_and_keeps_its_connection(served, shop):
    with requests.Session() as session:
        for _ in range(2):
            fields = {"Origin": shop, "Access-Control-Request-Method": "POST"}
            answer = session.options(served.url, headers=fields, timeout=20)

            assert (answer.status_code, answer.content) == (204, b"")
            assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD, POST"
            assert answer.headers["Connection"] == "keep-alive"
            assert not {"Content-Length", "Transfer-Encoding"} & {*answer.headers}


def test_https_is_what_a_trusted_proxy_says(served):
    came = {"X-Forwarded-Proto": "https"}
    held = requests.get(served.url, headers=came, timeout=20)

    assert held.headers["Strict-Transport-Security"] == "max-age=60"
    plain = requests.get(served.url, timeout=20)
    assert "Strict-Transport-Security" not in plain.headers


def test_what_is_compressed_arrives_so_and_is_counted(served):
    url = f"{served.url}/models/iris/predict"
    sent = {"rows": [FLOWER] * 40}
    fields = {"Accept-Encoding": "gzip"}

    answer = requests.post(url, json=sent, headers=fields, timeout=20, stream=True)
    raw_bytes = answer.raw.read()
    plain = requests.post(url, json=sent, headers={"Accept-Encoding": "identity"}, timeout=20)

    assert answer.headers["Content-Length"] == str(len(raw_bytes))
    assert gzip.decompress(raw_bytes) == plain.content
    assert answer.headers["Vary"] == "Origin, Accept-Encoding"
    request_id = answer.headers["X-Request-ID"]
    (line,) = served.lines(event="http_request", request_id=request_id)
    assert line["bytes_out"] == len(raw_bytes)
