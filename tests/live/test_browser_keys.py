"""Pages where a key is needed: asked for once a tab, sent with everything, and printed nowhere."""

import json
import os
import secrets
import subprocess
import sys

import pytest

from config.api_keys import digest_of
from tests.live.browsing import opened, violations
from tests.live.instance import Instance

KEY, IRIS_ALONE = (f"weir_{secrets.token_hex(20)}" for _ in range(2))
KEYS = f"me={digest_of(KEY).hex()}; other={digest_of(IRIS_ALONE).hex()} models=iris"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    with Instance(tmp_path_factory.mktemp("guarded"), WEIR_API_KEYS=KEYS) as instance:
        yield instance


def enter(page, key):
    page.get_by_label("API key").fill(key)
    page.keyboard.press("Enter")


def test_a_key_opens_every_page_of_a_tab(browser, guarded):
    with opened(browser, guarded.url, complaints=True) as page:
        assert page.title() == "A key is needed · Weir"
        assert page.inner_text("#told").startswith("this needs a key for predict; send ")
        assert not violations(page)
        enter(page, "weir_another")
        page.get_by_text("the key is none that is known here").wait_for()
        enter(page, KEY)
        page.get_by_role("link", name="iris").click()
        page.wait_for_selector("#playground[data-ready]")
        page.get_by_role("button", name="Ask the model").click()
        page.get_by_text("Answered: setosa").wait_for()
        page.reload()
        page.wait_for_selector("#playground[data-ready]")
        page.goto(f"{guarded.url}/docs")
        page.get_by_text("Answer a msg").wait_for()

        assert KEY not in page.content()


def test_another_tab_is_asked_again(browser, guarded):
    with opened(browser, guarded.url, complaints=True) as page:
        enter(page, KEY)
        page.get_by_role("link", name="iris").wait_for()
    with opened(browser, guarded.url, complaints=True) as page:
        assert page.get_by_label("API key").is_visible()


def test_a_key_that_is_for_other_models_is_told(browser, guarded):
    with opened(browser, f"{guarded.url}/models/cat-or-dog", complaints=True) as page:
        enter(page, IRIS_ALONE)
        page.get_by_text("the key 'other' may ask other models: iris").wait_for()


def test_the_printed_requests_take_the_key_from_the_environment(browser, guarded, tmp_path):
    with opened(browser, f"{guarded.url}/models/iris", complaints=True) as page:
        enter(page, KEY)
        page.wait_for_selector("#playground[data-ready]")
        said = page.inner_text("#code")
        printed = {
            name: page.locator(f'[data-code="{name}"]').inner_text()
            for name in ("curl", "Python", "JavaScript")
        }

    assert "It takes your key from the environment, where it is API_KEY." in said
    programs = {"curl": ["bash", "-c"], "Python": [sys.executable, "-c"]}
    for name, command in programs.items():
        answer = run([*command, printed[name]], tmp_path)
        assert "'setosa'" in answer or json.loads(answer)["response"]["label"] == "setosa"
    program = ["node", "--input-type=module", "--eval", printed["JavaScript"]]
    assert "setosa" in run(program, tmp_path)
    assert KEY not in "".join(printed.values())


def run(command, folder):
    env = os.environ | {"API_KEY": KEY}
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout
