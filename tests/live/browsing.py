"""A real Chromium at the pages: what its console said, whom it asked, and what axe found."""

import base64
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.conftest import PROJECT
from tests.openapi.repository import add

# Without most of these it asks hosts of its own; as root it cannot start in its sandbox.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

# How long anything is waited for: a busy machine may take seconds for a large picture.
PATIENCE_MS = 20_000

# What the console says of an answer that is a refusal.
REFUSED = re.compile(r"the server responded with a status of [45]\d\d")

HANDED = """([file, kind]) => {
  const data = new DataTransfer();
  if (file) {
    const [bytes, name, type] = file;
    data.items.add(new File([new Uint8Array(bytes)], name, { type }));
  } else {
    data.setData("text/plain", "a text");
  }
  const event = kind === "drop"
    ? new DragEvent("drop", { dataTransfer: data, bubbles: true })
    : new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
  document.querySelector("#drop").dispatchEvent(event);
}"""

# A file's bytes are told by no tool that watches requests.
KEEPING = """
const send = window.fetch;
window.fetch = (url, options) => {
  if (options?.body) { window.latestBody = options.body; }
  return send(url, options);
};
"""
LATEST = """async () => {
  const bytes = new Uint8Array(await new Response(window.latestBody).arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}"""

# WCAG 2.2 AA and good practice; the size of targets has to be asked for.
RULES = {"rules": {"target-size": {"enabled": True}}}

IMG = "<img src=x onerror=alert(1)>"
VISITORS = f"""
description = "Who comes back? {IMG}"
[input.age]
dtype = "int64"
minimum = 0
maximum = 130
[input.city]
dtype = "string"
categories = ["Oslo", "Żywiec's \\"{IMG}\\""]
[input.member]
dtype = "bool"
[input.spent]
dtype = "float64"
optional = true
[input.since]
dtype = "datetime"
[output.returns]
labels = ["no", "{IMG}"]
"""
VISITOR = (
    '{"age": 41, "city": "Oslo", "member": true, "spent": 9.5, "since": "2026-01-31T12:00:00"}'
)
RETURNS = """
import numpy as np

class Returns:
    def load(self): pass
    def predict(self, batch):
        share = batch["age"] / 200
        return {"returns": np.stack([1 - share, share], axis=1)}
"""
PIXELS = """
[input.pixels]
kind = "tensor"
shape = [-1, 2, 3]
"""
SUMS = """
class Sums:
    def load(self): pass
    def predict(self, batch):
        return {"sums": batch["pixels"].sum(axis=2)}
"""


def write_kinds(repository: Path) -> Path:
    """Make a model of each kind in *repository*."""
    for name in ("iris", "cat-or-dog"):
        shutil.copytree(PROJECT / "config/models" / name, repository / name)
    add(repository / "visitors", VISITORS, RETURNS, VISITOR)
    add(repository / "pixels", PIXELS, SUMS)
    return repository


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium; without it a skip, and in CI a failure."""
    program = shutil.which("chromium")
    if not program and os.environ.get("CI") != "true":
        pytest.skip("Chromium is not installed; type: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(
    browser: Browser, url: str, *, complaints: bool = False, **options: object
) -> Iterator[Page]:
    """
    Open *url*; nothing but its host may be asked, nothing may go wrong in the console.

    With *complaints*, a refusal of the service's may stand there.
    """
    host = re.match(r"https?://[^/]+", url)[0]
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    context.add_init_script(KEEPING)
    page = context.new_page()
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"uncaught: {error}"))
    page.goto(url)
    yield page
    elsewhere = [each for each in asked if not each.startswith((host, "blob:", "data:"))]
    assert not elsewhere
    assert [each for each in said if not (complaints and REFUSED.search(each))] == []
    context.close()


def drop(page: Page, content: bytes | None, name: str = "", media_type: str = "") -> None:
    """Drop a file on the page, or a text."""
    file = None if content is None else [[*content], name, media_type]
    page.evaluate(HANDED, [file, "drop"])


def paste(page: Page, content: bytes, name: str, media_type: str) -> None:
    """Paste a file from the clipboard."""
    page.evaluate(HANDED, [[[*content], name, media_type], "paste"])


def sent_by(page: Page) -> bytes:
    """The body of the latest request of the page's."""
    return base64.b64decode(page.evaluate(LATEST))


def violations(page: Page) -> list[str]:
    """What axe finds wrong: the rule and the element."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]


def is_wider(page: Page) -> bool:
    """Whether the page has to be scrolled sideways."""
    return page.evaluate("document.documentElement.scrollWidth > innerWidth")
