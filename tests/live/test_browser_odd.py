"""Playgrounds of odd models: what they take and answer arrives as it is, and is shown as it is."""

import json

import pytest

from tests.live.browsing import opened
from tests.live.instance import Instance
from tests.live.playing import again, asked, click, shown
from tests.openapi.repository import add

LARGE = (1 << 53) + 1
MODEL = """
import time

import numpy as np

class Odd:
    def load(self): pass
    def predict(self, batch):
        first = next(iter(batch.values()))
        return ANSWER
"""
EXACT = f"""
[input.count]
dtype = "int64"
[input.kind]
dtype = "int64"
categories = [{LARGE - 1}, {LARGE}]
"""
UNTOUCHED = """
[input.text]
dtype = "string"
[input.lines]
dtype = "string"
[input.at]
dtype = "datetime"
"""
X = '[input.x]\ndtype = "float64"\n'
NAMES = "".join(
    f'[input.{name}]\ndtype = "float64"\n' for name in ("constructor", "b-c", "'a/~\"'")
)
OUTPUTS = {
    "scores": '{"scores": np.tile([[0.5], [0.3]], (len(first), 1, 1))}',
    "nothing": '{"scores": np.array([{"scores": None}] * len(first), object)}',
    "top": '{"top": np.tile([[0.5], [0.3]], (len(first), 1, 1))}',
    "label": '{"label": np.tile([0.5, 0.3], (len(first), 1))}',
    "value": '{"value": np.tile([1.0] * 9000, (len(first), 1))}',
}
MODELS = {
    "exact": (EXACT, '{"count": first, "kind": batch["kind"]}', {"count": LARGE, "kind": LARGE}),
    "untouched": (
        UNTOUCHED,
        '{"length": np.array([len(text) for text in batch["lines"]])}',
        {"text": "", "lines": "two\nlines", "at": 0},
    ),
    "names": (NAMES, '{"sum": first}', {"constructor": 1, "b-c": 2, 'a/~"': 3}),
    "slow": (X, "[first, time.sleep(2 if first[0] == 2 else 0)][0]", {"x": 1}),
    "word": ('[input.text]\ndtype = "string"\n', '{"n": np.ones(len(first))}', {"text": "Hello"}),
    **{name: (X, answer, {"x": 1}) for name, answer in OUTPUTS.items()},
}


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    """In the place of the instance with a model of each kind, whose page `page` opens."""
    folder = tmp_path_factory.mktemp("odd")
    for name, (inputs, answer, example) in MODELS.items():
        code = MODEL.replace("ANSWER", answer)
        add(folder / "models" / name, inputs, code, json.dumps(example))
    with Instance(folder, WEIR_MODELS=str(folder / "models")) as instance:
        yield instance


@pytest.mark.model("exact")
def test_no_integer_is_rounded(page):
    answer, request = asked(page, click(page))

    assert json.loads(request.body) == {"count": LARGE, "kind": LARGE}
    assert answer == again(request)
    assert str(LARGE) in shown(page)
    assert str(LARGE) in page.text_content("#raw")


@pytest.mark.model("untouched")
def test_the_example_is_sent_as_it_is_while_nobody_changes_it(page):
    answer, request = asked(page, click(page))

    assert json.loads(request.body) == {"text": "", "lines": "two\nlines", "at": 0}
    assert answer["response"] == {"value": 9}


@pytest.mark.model("names")
def test_a_fault_finds_the_field_of_any_name(page):
    field = page.get_by_label('a/~" required')
    field.fill("x")

    problem, _ = asked(page, click(page))

    assert problem["errors"][0]["pointer"] == '/a~1~0"'
    assert page.inner_text(f"#{field.get_attribute('id')}-fault").startswith('"x" was sent')


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("scores", "[[0.5],[0.3]]"),
        ("nothing", "null"),
        ("top", "[[0.5],[0.3]]"),
        ("label", "[0.5,0.3]"),
    ],
)
def test_an_output_may_have_the_name_of_a_part_of_an_answer(browser, kinds, model, told):
    with opened(browser, f"{kinds.url}/models/{model}") as page:
        page.wait_for_selector("#playground[data-ready]")
        alone, _ = asked(page, click(page))
        assert told in shown(page)
        page.get_by_label("Paste CSV").fill("1\n2\n")
        several, request = asked(page, click(page, "Ask for these rows"))
        assert told in page.inner_text("#answer tbody")
        status = page.inner_text("#status")

    assert several["response"] == [alone["response"]] * 2
    assert several == again(request)
    assert status.startswith("2 rows answered in ")


@pytest.mark.model("value")
def test_what_is_read_aloud_is_short(page):
    asked(page, click(page))

    assert len(page.inner_text("#status")) < 100


@pytest.mark.model("slow")
def test_a_late_answer_does_not_take_the_place_of_a_newer_one(page):
    field = page.get_by_label("x required")
    field.fill("2")
    with page.expect_response("**/predict", timeout=10_000) as late:
        page.get_by_role("button", name="Ask the model").click()
        field.fill("abc")
        problem, _ = asked(page, click(page))
    late.value.finished()

    assert problem["errors"][0]["detail"] in page.inner_text("#status")
    assert page.inner_text(f"#{field.get_attribute('id')}-fault").startswith('"abc" was sent')


@pytest.mark.model("word")
def test_a_line_is_a_cell_where_there_is_one_column(page):
    page.get_by_label("Paste CSV").fill("Hello, world\nA; b\n")

    _, request = asked(page, click(page, "Ask for these rows"))

    assert json.loads(request.body)["rows"] == [{"text": "Hello, world"}, {"text": "A; b"}]


@pytest.mark.parametrize("path", ["/models/word", "/models/word/example"])
def test_a_page_that_cannot_begin_says_so(browser, kinds, path):
    context = browser.new_context()
    page = context.new_page()
    refusal = {"status": 503, "json": {"status": 503, "detail": "the model is being replaced"}}
    page.route(
        f"**{path}",
        lambda route: route.continue_() if route.request.is_navigation_request()
        else route.fulfill(**refusal),
    )  # fmt: skip
    page.goto(f"{kinds.url}/models/word")
    page.wait_for_selector("#status:has-text('the model is being replaced')")
    page.get_by_role("button", name="Ask the model").click()

    assert page.url == f"{kinds.url}/models/word"
    context.close()


@pytest.mark.model("word")
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"status": 502, "body": "<h1>Bad Gateway</h1>"}, "502 Bad Gateway"),
        ({"status": 200, "body": "<form>Log in</form>"}, "not this service's"),
        ({"status": 503, "json": {"detail": "full", "errors": None}}, "full"),
        ({"status": 422, "json": {"detail": "no", "errors": [{"detail": "what"}]}}, "no"),
        ({"status": 500, "json": None}, "500"),
    ],
)
def test_what_a_proxy_answers_is_told_as_what_it_is(page, answer, told):
    page.route("**/predict", lambda route: route.fulfill(**answer))

    page.get_by_role("button", name="Ask the model").click()

    page.wait_for_selector(
        f"#status:has-text('{told}')" if "'" not in told else "#raw", state="attached"
    )
    assert told in page.inner_text("#status")
