"""A page for who prefers HTML; for every other client what was answered before, byte for byte."""

import pytest

CHROMIUM = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;"
    "q=0.8,application/signed-exchange;v=b3;q=0.7"
)
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
FIREFOX_BEFORE = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/png,"
    "image/svg+xml,*/*;q=0.8"
)
SAFARI = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
BROWSERS = {
    "chromium": CHROMIUM,
    "firefox": FIREFOX,
    "firefox before 132": FIREFOX_BEFORE,
    "safari": SAFARI,
    "html alone": "text/html",
    "html in capitals": "Text/HTML",
    "html before json": "application/json;q=0.9, text/html",
}
PROGRAMS = {
    "curl": "*/*",
    "requests": "*/*",
    "none": None,
    "empty": "",
    "json": "application/json",
    "axios": "application/json, text/plain, */*",
    "json before html": "application/json, text/html;q=0.9",
    "both alike": "text/html, application/json",
    "html not wanted": "text/html;q=0, application/json;q=0",
    "what is no list of media types": "text/html;q=x;;, */*;q=1",
    "java": "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",
    "java since 18": "text/html, image/gif, image/jpeg, */*; q=0.2",
    "a picture": "image/avif,image/webp,*/*;q=0.8",
}


def asked(client, path, accept, method="GET"):
    headers = {} if accept is None else {"Accept": accept}
    return client.open(path, method=method, headers=headers)


@pytest.mark.parametrize("accept", BROWSERS.values(), ids=BROWSERS)
@pytest.mark.parametrize("path", ["/", "/?other=1", "/models/iris", "/models/iris/versions/1"])
def test_a_browser_gets_a_page(client, path, accept):
    answer = asked(client, path, accept)

    assert answer.status_code == 200
    assert answer.content_type == "text/html; charset=utf-8"
    assert "Accept" in answer.headers["Vary"].split(", ")
    assert answer.text.startswith("<!doctype html>")


@pytest.mark.parametrize("accept", PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_gets_the_echo_of_before(client, accept):
    answer = asked(client, "/", accept)

    assert answer.status_code == 200
    assert answer.data == b'{"success":false}'
    assert answer.content_type == "application/json"
    assert "Accept" in answer.headers["Vary"].split(", ")


@pytest.mark.parametrize("accept", PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_gets_a_models_card(client, accept):
    answer = asked(client, "/models/iris", accept)

    assert answer.content_type == "application/json"
    assert answer.get_json()["model"]["name"] == "iris"
    assert "Accept" in answer.headers["Vary"].split(", ")


@pytest.mark.parametrize("accept", BROWSERS.values(), ids=BROWSERS)
def test_a_msg_is_echoed_to_a_browser_too(client, accept):
    by_query = asked(client, "/?msg=Hello", accept)
    by_form = client.post("/", data={"msg": "Hello"}, headers={"Accept": accept})
    nothing = client.post("/", headers={"Accept": accept})

    assert by_query.data == by_form.data == b'{"response":"Hello","success":true}'
    assert nothing.data == b'{"success":false}'


def test_a_body_with_get_is_an_echo(client):
    answer = client.get("/", json={"msg": "Hello"}, headers={"Accept": CHROMIUM})

    assert answer.get_json() == {"response": "Hello", "success": True}


@pytest.mark.parametrize("accept", [None, SAFARI], ids=["json", "html"])
def test_what_is_not_there_depends_on_accept_as_well(client, accept):
    answer = asked(client, "/models/nobody", accept)

    assert answer.status_code == 404
    assert "Accept" in answer.headers["Vary"].split(", ")


def test_head_has_the_pages_fields_and_no_body(client):
    whole, head = asked(client, "/", SAFARI), asked(client, "/", SAFARI, "HEAD")

    assert head.headers["Content-Type"] == whole.headers["Content-Type"]
    assert head.headers["Content-Length"] == str(len(whole.data))
    assert head.data == b""


@pytest.mark.parametrize("path", ["/models", "/healthz", "/version", "/models/iris/example"])
def test_what_has_no_page_is_json_for_browsers_too(client, path):
    assert asked(client, path, CHROMIUM).content_type == "application/json"
