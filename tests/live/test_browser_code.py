"""The commands that a playground prints work as they are printed: curl, requests and fetch."""

import ast
import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.conftest import COFFEE
from tests.live.browsing import opened, paste

ROW = "sepal_length,sepal_width,petal_length,petal_width\n6.9,3.1,5.1,2.3\n"
QUOTES = 'it\'s "5" \\ $HOME `id` ö\u2028'


def example(page, _folder):
    page.get_by_role("button", name="Ask the model").click()


def own_picture(page, folder):
    shutil.copy(COFFEE, folder / "it's my $coffee.jpg")
    page.set_input_files("#file", folder / "it's my $coffee.jpg")


def changed(page, _folder):
    page.get_by_label("petal_length required").fill("5.5")
    page.get_by_label("petal_width required").fill("2.5")
    example(page, None)


def quoted(page, _folder):
    page.get_by_label("since required").fill(QUOTES)
    example(page, None)


def pasted(page, _folder):
    page.get_by_label("Paste CSV").fill(ROW)
    page.get_by_role("button", name="Ask for these rows").click()


def category(page, _folder):
    page.get_by_label("city required").select_option(index=2)
    page.get_by_label("spent optional").fill("")
    example(page, None)


def batch(page, _folder):
    page.get_by_label("The request, as JSON").fill('{"pixels":\n [[[1, 2.5, 3], [4, 5, 1e2]]]}')
    example(page, None)


def many_rows(page, folder):
    page.get_by_label("Paste CSV").fill("6.9,3.1,5.1,2.3\n" * 60)
    page.get_by_role("button", name="Ask for these rows").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Save request.json").click()
    download.value.save_as(folder / "request.json")


def typed(text):
    """Put *text* into the editor, whatever it is."""

    def ask(page, _folder):
        page.get_by_label("The request, as JSON").fill(text)
        example(page, None)

    return ask


def pasted_picture(page, folder):
    paste(page, COFFEE.read_bytes(), "image.png", "image/png")
    page.wait_for_selector("#raw", state="attached")
    with page.expect_download() as download:
        page.get_by_role("link", name="Save image.png").click()
    download.value.save_as(folder / "image.png")


ODD = {
    "no JSON": '{"pixels": ',
    "nothing": "",
    "Python": "{'pixels': [[1, 2, 3], [4, 5, 6]]}",
    "a name twice": '{"pixels": [[1, 2, 3], [4, 5, 6]], "pixels": [[1, 2, 3], [4, 5, 6]]}',
    "a number out of range": '{"pixels": [[1, 2, 1e400], [4, 5, 6]]}',
    "NaN": '{"pixels": [[1, 2, NaN], [4, 5, 6]]}',
    "a tab in a text": '{"pixels": "\t"}',
    "an escaped slash": '{"pix\\/els": []}',
    "deep lists": '{"pixels": ' + "[" * 200 + "]" * 200 + "}",
    "a file's name": "@/etc/hostname",
}

ASKED = {
    "the example picture": ("cat-or-dog", example),
    "a picture of one's own": ("cat-or-dog", own_picture),
    "the example row": ("iris", example),
    "a changed row": ("iris", changed),
    "rows": ("iris", pasted),
    "more rows than a command holds": ("iris", many_rows),
    "a category of special characters": ("visitors", category),
    "a text of special characters, refused": ("visitors", quoted),
    "the example tensor": ("pixels", example),
    "a batch of tensors": ("pixels", batch),
    "a picture that was pasted": ("cat-or-dog", pasted_picture),
    **{name: ("pixels", typed(text)) for name, text in ODD.items()},
}


def run(command, folder):
    ran = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def without_id(answer):
    return {name: value for name, value in answer.items() if name != "request_id"}


@pytest.mark.parametrize(("model", "ask"), ASKED.values(), ids=ASKED)
def test_each_command_gets_the_answer_of_the_page(browser, kinds, tmp_path, model, ask):
    node = shutil.which("node")
    if not node and os.environ.get("CI") != "true":
        pytest.skip("Node.js is not installed; type: apt-get install nodejs")
    with opened(browser, f"{kinds.url}/models/{model}", complaints=True) as page:
        page.wait_for_selector("#playground[data-ready]")
        ask(page, tmp_path)
        page.wait_for_selector("#raw", state="attached")
        shown = without_id(json.loads(page.text_content("#raw")))
        curl, python, javascript = (
            page.text_content(f"[data-code={name}]") for name in ("curl", "Python", "JavaScript")
        )
    # Node shows an object in a form of its own; its text tells the same.
    (tmp_path / "ask.mjs").write_text(javascript.replace("answer.json()", "answer.text()"))
    printed = run([sys.executable, "-W", "error", "-c", python], tmp_path)

    assert without_id(json.loads(run(["sh", "-c", curl], tmp_path))) == shown
    assert without_id(ast.literal_eval(printed)) == shown
    assert without_id(json.loads(run([node, "ask.mjs"], tmp_path))) == shown
