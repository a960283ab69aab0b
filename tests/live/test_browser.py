"""Models of features and tensors, tried by their pages as a person would."""

import json
import re

import pytest

from tests.live.browsing import IMG
from tests.live.playing import again, asked, click, shown


def field(page, name):
    return page.get_by_label(re.compile(f"^{name} (required|optional)$"))


@pytest.mark.model("iris")
def test_a_field_left_empty_is_told_beside_it(page):
    field(page, "sepal_width").fill("")
    field(page, "petal_width").fill("two")

    problem, request = asked(page, click(page))

    assert problem == again(request) | {"request_id": problem["request_id"]}
    width = field(page, "sepal_width")
    beside = page.locator(f"#{width.get_attribute('id')}-fault")
    assert beside.inner_text() == "nothing was sent, a number from 0 to 30 is wanted"
    assert width.get_attribute("aria-invalid") == "true"
    assert width.evaluate("field => field === document.activeElement")
    wrong = field(page, "petal_width").get_attribute("id")
    assert page.inner_text(f"#{wrong}-fault").startswith('"two" was sent')
    assert field(page, "sepal_length").get_attribute("aria-invalid") == "false"

    width.fill("3.5")
    field(page, "petal_width").fill("2.5e-1")
    answer, request = asked(page, click(page))

    assert answer == again(request)
    assert json.loads(request.body)["petal_width"] == 0.25
    assert beside.text_content() == ""
    assert page.inner_text(".label") == "setosa"


@pytest.mark.model("visitors")
def test_every_kind_of_feature_is_sent_as_what_it_is(page):
    assert field(page, "city").evaluate("field => field.localName") == "select"
    field(page, "city").select_option(label=f'Żywiec\'s "{IMG}"')
    field(page, "member").select_option(label="false")
    field(page, "age").fill("100")
    field(page, "spent").fill("")

    answer, request = asked(page, click(page))

    assert json.loads(request.body) == {
        "age": 100,
        "city": f'Żywiec\'s "{IMG}"',
        "member": False,
        "since": "2026-01-31T12:00:00",
    }
    assert answer == again(request)
    assert answer["response"]["scores"] == {"no": 0.5, IMG: 0.5}


@pytest.mark.model("visitors")
def test_what_a_model_says_is_shown_as_text(page):
    field(page, "age").fill("130")

    answer, _ = asked(page, click(page))

    assert answer["response"]["label"] == page.inner_text(".label") == IMG
    assert IMG in page.inner_text(".lead")
    assert page.locator("main img").count() == 0


CSV = """petal_width,sepal_length,sepal_width,petal_length
0.2,5.1,3.5,1.4
2.3,"6.9",3.1,5.1
"""
CELLS = "5.1\t3.5\t1.4\t0.2\n6.9\t3.1\t5.1\t2.3\n"
SEMICOLONS = (
    "sepal_length;sepal_width;petal_length;petal_width\r\n5.1;3.5;1.4;0.2\r\n6.9;3.1;5.1;2.3"
)


INDEXED = """,sepal_length,sepal_width,petal_length,petal_width
0,5.1,3.5,1.4,0.2
1,6.9,3.1,5.1,2.3
"""
MARKED = "\ufeff" + CSV.replace("sepal_length", '"sepal_length"')
TABLES = {
    "a byte order mark": MARKED,
    "CSV": CSV,
    "cells": CELLS,
    "semicolons": SEMICOLONS,
    "pandas' index": INDEXED,
}


@pytest.mark.model("iris")
@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_pasted_rows_are_answered_in_a_table(page, table):
    page.get_by_label("Paste CSV").fill(table)

    answer, request = asked(page, click(page, "Ask for these rows"))

    assert json.loads(request.body)["rows"] == [
        {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2},
        {"sepal_length": 6.9, "sepal_width": 3.1, "petal_length": 5.1, "petal_width": 2.3},
    ]
    assert answer == again(request)
    lines = page.locator("#answer tbody tr").all_inner_texts()[:2]
    assert [re.split(r"\s+", line)[:2] for line in lines] == [["1", "setosa"], ["2", "virginica"]]


@pytest.mark.model("iris")
def test_a_wrong_cell_is_told_where_it_stands(page):
    page.get_by_label("Paste CSV").fill("5.1,3.5,1.4,0.2\n6.9,99,5.1,")

    problem, _ = asked(page, click(page, "Ask for these rows"))

    assert [each["pointer"] for each in problem["errors"]] == [
        "/rows/1/sepal_width", "/rows/1/petal_width",
    ]  # fmt: skip
    cells = page.locator("#pasted tbody tr").locator("td")
    assert "99 was sent, a number from 0 to 30 is wanted" in cells.nth(1).inner_text()
    assert "nothing was sent" in cells.nth(3).inner_text()


@pytest.mark.model("visitors")
def test_cells_are_sent_as_what_their_columns_are(page):
    page.get_by_label("Paste CSV").fill("age,city,member,since\n41,Oslo,TRUE,2026-01-31\n")

    answer, request = asked(page, click(page, "Ask for these rows"))

    assert json.loads(request.body)["rows"] == [
        {"age": 41, "city": "Oslo", "member": True, "since": "2026-01-31"}
    ]
    assert answer == again(request)


@pytest.mark.model("pixels")
def test_a_tensor_is_edited_as_json(page):
    editor = page.get_by_label("The request, as JSON")
    assert json.loads(editor.input_value()) == {"pixels": [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]}
    editor.fill('{"pixels": [[1, 2, 3], [4, 5, 6]]}')

    answer, request = asked(page, click(page))

    assert answer == again(request)
    assert answer["response"] == {"sums": [6.0, 15.0]}
    assert "[6,15]" in shown(page)

    editor.fill('{"pixels": [[1, 2], [4, 5, 6]]}')
    problem, _ = asked(page, click(page))

    assert problem["detail"] == page.inner_text("#json-fault")
    assert problem["errors"][0]["pointer"] == "/pixels/0"
    editor.fill('{"pixels": ')
    assert asked(page, click(page))[0]["status"] == 400
