"""What protects an answer: each field once, on whatever is answered."""

from dataclasses import replace

import pytest

from config.settings import from_environ
from service.app import create_app

BROWSER = {"Accept": "text/html"}
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
OF_PAGES = (
    "X-Frame-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy", "Permissions-Policy",
)  # fmt: skip
PAGES = ("/", "/models/iris", "/models/nobody", "/docs")
DATA = (
    "/", "/?msg=Hello", "/models", "/models/iris", "/models/iris/example", "/metrics", "/healthz",
    "/v2", "/v2/models/iris", "/models/nobody", "/nowhere", "/models/iris/predict",
)  # fmt: skip


def of(answer, name):
    return answer.headers.getlist(name)


@pytest.mark.parametrize("path", DATA)
def test_data_can_run_nothing_and_is_not_kept(client, path):
    answer = client.get(path)

    assert of(answer, "Content-Security-Policy") == [DATA_POLICY]
    assert of(answer, "X-Content-Type-Options") == ["nosniff"]
    assert of(answer, "Cross-Origin-Resource-Policy") == ["same-origin"]
    assert of(answer, "Cache-Control") == ["no-store"]
    assert not [name for name in OF_PAGES if name in answer.headers]
    assert "Strict-Transport-Security" not in answer.headers


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_a_policy_of_its_own_and_shuts_out_others(client, path):
    answer = client.get(path, headers=BROWSER)

    (policy,) = of(answer, "Content-Security-Policy")
    assert "script-src 'self'" in policy
    assert of(answer, "X-Content-Type-Options") == ["nosniff"]
    assert of(answer, "Cross-Origin-Resource-Policy") == ["same-origin"]
    assert of(answer, "Cross-Origin-Opener-Policy") == ["same-origin"]
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert of(answer, "Cache-Control") == ["no-cache"]


@pytest.mark.parametrize("path", ["/openapi.json", "/static/weir.css"])
def test_what_may_be_kept_says_so_itself(client, path):
    answer = client.get(path)
    again = client.get(path, headers={"If-None-Match": answer.headers["ETag"]})

    assert again.status_code == 304
    for each in (answer, again):
        assert of(each, "Cache-Control") == ["no-cache"]
        assert of(each, "Content-Security-Policy") == [DATA_POLICY]


def test_a_browser_is_held_to_https_where_it_came_by_it():
    client = create_app(replace(from_environ(), hsts_s=86_400)).test_client()

    came = client.get("/nowhere", base_url="https://localhost")
    assert of(came, "Strict-Transport-Security") == ["max-age=86400"]
    assert "Strict-Transport-Security" not in client.get("/").headers
