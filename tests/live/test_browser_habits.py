"""Habits of the pages: keyboard, narrow screens, light and dark, axe, no script."""

from itertools import product

import pytest
import requests
from playwright.sync_api import expect

from tests.conftest import CAT, eventually
from tests.live.browsing import is_wider, opened, violations
from tests.live.instance import Instance

PAGES = ["", "models/cat-or-dog", "models/iris", "models/visitors", "models/pixels", "docs"]
TAB_STEPS = 60

SLOW = """
import time

class Slow:
    def load(self): time.sleep(SECONDS)
    def predict(self, batch): return {"y": batch["x"]}
"""
SLOW_TOML = 'platform = "python"\nfile = "model.py"\n[input.x]\n[serve]\nexecution = "thread"\n'


def settled(page):
    """Wait until the page has become what it is to be."""
    if page.locator("#playground").count():
        page.wait_for_selector("#playground[data-ready]")
    if page.locator("#docs").count():
        page.wait_for_selector("#docs .opblock")


def answered(page):
    page.wait_for_selector("#raw", state="attached")


@pytest.mark.parametrize(
    ("path", "scheme"),
    [
        *product(PAGES, ["light"]),
        *product(PAGES[:-1], ["dark"]),
        pytest.param(PAGES[-1], "dark", marks=pytest.mark.whole),
    ],
)
def test_axe_finds_nothing(browser, kinds, path, scheme):
    with opened(browser, f"{kinds.url}/{path}", complaints=True, color_scheme=scheme) as page:
        settled(page)
        assert violations(page) == []
        if path == "docs":
            for operation in ("predict_iris", "query_iris", "predict_cat_or_dog", "echo_body"):
                page.locator(f"[id$={operation}] .opblock-summary-control").click()
                page.wait_for_selector(f"[id$={operation}] .responses-table")
            assert violations(page) == []
        if page.locator("#form").count():
            page.get_by_role("button", name="Ask the model").click()
            answered(page)
            page.locator("details:not([open]) summary").click()
            assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_what_is_refused(browser, kinds, scheme):
    with opened(browser, f"{kinds.url}/models/iris", complaints=True, color_scheme=scheme) as page:
        settled(page)
        page.get_by_label("sepal_width required").fill("wide")
        page.get_by_role("button", name="Ask the model").click()
        answered(page)
        page.get_by_label("Paste CSV").fill("1,2,3\n4,5,6,x")
        page.get_by_role("button", name="Ask for these rows").click()
        page.wait_for_selector("#pasted .fault")
        assert violations(page) == []


@pytest.mark.parametrize("path", PAGES)
def test_a_narrow_screen_needs_no_scrolling_sideways(browser, kinds, path):
    size = {"width": 320, "height": 640}
    with opened(browser, f"{kinds.url}/{path}", viewport=size) as page:
        settled(page)
        assert not is_wider(page)
        if page.locator("#form").count():
            page.get_by_role("button", name="Ask the model").click()
            answered(page)
            assert not is_wider(page)


def test_twice_the_size_needs_no_scrolling_sideways(browser, kinds):
    size = {"width": 640, "height": 400}  # of 1280 × 800 at 200 %
    with opened(
        browser, f"{kinds.url}/models/visitors", viewport=size, device_scale_factor=2
    ) as page:
        settled(page)
        assert not is_wider(page)


def to(page, name):
    """Go by the Tab key to what has this accessible name, as a keyboard's user would."""
    for _ in range(TAB_STEPS):
        page.keyboard.press("Tab")
        is_there = page.evaluate(
            """(name) => { const at = document.activeElement;
            return (at.labels?.[0]?.textContent ?? at.ariaLabel ?? at.textContent).trim()
              .replace(/\\s+/g, " ").startsWith(name); }""",
            name,
        )
        if is_there:
            return
    pytest.fail(f"no way by the keyboard to {name!r}")


def test_the_keyboard_alone_leads_from_the_front_page_to_an_answer(browser, kinds):
    with opened(browser, kinds.url + "/") as page:
        to(page, "iris")
        page.keyboard.press("Enter")
        page.wait_for_url("**/models/iris")
        settled(page)
        to(page, "sepal_length")
        page.keyboard.press("Control+A")
        page.keyboard.type("6.9")
        to(page, "petal_length")
        page.keyboard.type("5.1")
        page.keyboard.press("Enter")
        answered(page)
        assert page.inner_text("#status").startswith("Answered: ")
        to(page, "Raw JSON")
        page.keyboard.press("Enter")
        assert page.is_visible("#raw")
        to(page, "curl: Copy")
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Copied")).to_be_visible()


@pytest.mark.parametrize("kind", ["visitors", "pixels", "cat-or-dog"])
def test_the_keyboard_alone_asks_every_kind(browser, kinds, kind):
    with opened(browser, f"{kinds.url}/models/{kind}") as page:
        settled(page)
        if kind == "visitors":
            to(page, "city")
            page.keyboard.press("ArrowDown")
        if kind == "cat-or-dog":
            page.on("filechooser", lambda chooser: chooser.set_files(CAT))
            to(page, "Drop a picture")
            page.keyboard.press("Space")
            answered(page)
        to(page, "Ask the model")
        page.keyboard.press("Enter")
        answered(page)


def test_the_keyboard_alone_skips_to_the_content(browser, kinds):
    with opened(browser, kinds.url + "/") as page:
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_the_front_page_can_be_read_without_scripts(browser, kinds):
    with opened(browser, kinds.url + "/", java_script_enabled=False) as page:
        text = page.inner_text("body")
        page.get_by_role("link", name="iris").click()
        own = page.inner_text("body")

    assert all(word in text for word in ("cat-or-dog", "iris", "ready", "readiness", "metrics"))
    assert "needs JavaScript; without it: curl" in own


def test_a_model_that_loads_is_shown_as_soon_as_it_has(browser, tmp_path):
    folder = tmp_path / "models/slow"
    folder.mkdir(parents=True)
    (folder / "model.py").write_text(SLOW.replace("SECONDS", "4"))
    (folder / "model.toml").write_text(SLOW_TOML)
    models = str(tmp_path / "models")
    with Instance(tmp_path, ready=False, WEIR_MODELS=models) as instance:
        eventually(lambda: answers(instance))
        with opened(browser, instance.url + "/", complaints=True) as page:
            assert page.inner_text(".state") == "loading"
            page.get_by_role("link", name="slow").click()
            assert "still loading" in page.inner_text("main")
            page.wait_for_selector("#playground[data-ready]")
            page.go_back()
            page.wait_for_selector("li[data-state=ready]")


def answers(instance):
    try:
        return requests.get(instance.url + "/healthz", timeout=5).ok
    except requests.ConnectionError:
        return False
