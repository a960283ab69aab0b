"""A playground in use: what it has sent, what it shows, and what the API answers to the same."""

import json
from dataclasses import dataclass

import requests
from playwright.sync_api import expect

from tests.live.browsing import sent_by


@dataclass
class Sent:
    """What the page has sent."""

    url: str
    headers: dict[str, str]
    body: bytes


def asked(page, act):
    """The answer that the page shows after *act*, and what it has sent."""
    with page.expect_request("**/predict") as sent:
        act()
    sent.value.response().finished()
    expect(page.locator("#status")).not_to_contain_text("Asking")
    headers = {"Content-Type": sent.value.headers["content-type"]}
    return json.loads(page.text_content("#raw")), Sent(sent.value.url, headers, sent_by(page))


def again(sent):
    """What the API answers to the same request."""
    return requests.post(sent.url, data=sent.body, headers=sent.headers, timeout=20).json()


def click(page, text="Ask the model"):
    return lambda: page.get_by_role("button", name=text).click()


def shown(page):
    return page.inner_text("#answer")
