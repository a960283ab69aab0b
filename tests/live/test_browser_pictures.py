"""Pictures by the page of their model: dropped, chosen, taken, pasted, large, and none at all."""

from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.conftest import CAT, COFFEE, encoded
from tests.live.browsing import drop, opened, paste
from tests.live.instance import Instance
from tests.live.playing import again, asked, click, shown


@pytest.mark.model("cat-or-dog")
def test_the_example_is_answered_by_one_click(page):
    answer, request = asked(page, click(page))

    assert request.body == CAT.read_bytes()
    assert answer == again(request)
    assert page.inner_text(".label") == "cat"
    assert page.inner_text("#status").startswith("Answered: cat in ")
    stages = page.inner_text("#stages")
    assert all(stage in stages for stage in ("decode", "infer", "total"))
    scores = [meter.get_attribute("value") for meter in page.query_selector_all("meter")]
    assert float(scores[0]) == answer["response"]["scores"]["cat"]


@pytest.mark.model("cat-or-dog")
@pytest.mark.parametrize("way", ["dropped", "chosen", "taken", "pasted"])
def test_a_picture_of_ones_own_is_answered_at_once(page, way):
    picture = COFFEE.read_bytes(), "my coffee.jpg", "image/jpeg"
    acts = {
        "dropped": lambda: drop(page, *picture),
        "pasted": lambda: paste(page, *picture),
        "chosen": lambda: page.set_input_files("#file", COFFEE),
        "taken": lambda: page.set_input_files("#camera", COFFEE),
    }

    answer, request = asked(page, acts[way])

    assert request.body == COFFEE.read_bytes()
    assert answer == again(request)
    assert page.inner_text(".label") == answer["response"]["label"] == "neither"
    assert "espresso" in shown(page)
    assert "as it is" in page.inner_text("#caption")
    assert page.evaluate("document.querySelector('#preview').naturalWidth") > 0


@pytest.mark.model("cat-or-dog")
def test_a_large_picture_is_scaled_down_and_the_page_says_so(page, tmp_path):
    large = Image.open(CAT).resize((6000, 4500))  # more pixels than the service decodes
    (tmp_path / "cat.png").write_bytes(encoded(large, "PNG"))

    answer, request = asked(page, lambda: page.set_input_files("#file", tmp_path / "cat.png"))
    with page.expect_download() as download:
        page.get_by_role("link", name="Save cat-2048x1536.jpg").click()
    saved = download.value.path().read_bytes()

    assert Image.open(BytesIO(saved)).size == (2048, 1536)
    assert saved == request.body
    assert answer == again(request)
    assert answer["response"]["label"] == "cat"
    assert "scaled down in the browser from 6000 × 4500 to 2048 × 1536" in page.inner_text(
        "#caption"
    )
    assert download.value.suggested_filename == "cat-2048x1536.jpg"


@pytest.mark.model("cat-or-dog")
def test_a_picture_that_the_browser_cannot_show_is_sent_as_it_is(page, tmp_path):
    import pillow_heif

    pillow_heif.register_heif_opener()
    Image.open(CAT).save(tmp_path / "phone.heic")

    answer, request = asked(page, lambda: page.set_input_files("#file", tmp_path / "phone.heic"))

    assert request.body == (tmp_path / "phone.heic").read_bytes()
    assert answer["response"]["label"] == "cat"
    assert "cannot show" in page.inner_text("#caption")


@pytest.mark.model("cat-or-dog")
def test_what_is_no_picture_is_refused_in_the_services_words(page, tmp_path):
    (tmp_path / "notes.jpg").write_text("no picture at all")

    problem, _ = asked(page, lambda: page.set_input_files("#file", tmp_path / "notes.jpg"))

    assert problem["status"] == 415
    assert page.inner_text("#status") == f"415 Unsupported Media Type: {problem['detail']}"


@pytest.mark.model("cat-or-dog")
def test_what_cannot_be_taken_is_told(page):
    drop(page, None)

    assert "no file" in page.inner_text("#status")


@pytest.mark.model("cat-or-dog")
def test_the_picture_that_was_chosen_last_is_the_one_that_is_asked(page, tmp_path):
    large = Image.open(CAT).resize((6000, 5000))
    (tmp_path / "large.png").write_bytes(encoded(large, "PNG"))
    page.set_input_files("#file", tmp_path / "large.png")
    page.set_input_files("#file", COFFEE)
    expect(page.locator("#caption")).to_contain_text("coffee.jpg")
    expect(page.locator(".label")).to_have_text("neither")

    answer, request = asked(page, click(page))

    assert request.body == COFFEE.read_bytes()
    assert answer["response"]["label"] == page.inner_text(".label") == "neither"


def test_a_picture_is_scaled_until_it_is_within_the_services_limit(browser, tmp_path):
    noise = Image.effect_noise((1500, 1500), 90)
    (tmp_path / "noise.png").write_bytes(encoded(noise, "PNG"))
    limit = {"WEIR_BODY_LIMIT_BYTES": "100000"}
    with (
        Instance(tmp_path, **limit) as instance,
        opened(browser, f"{instance.url}/models/cat-or-dog") as page,
    ):
        page.wait_for_selector("#playground[data-ready]")
        answer, request = asked(page, lambda: page.set_input_files("#file", tmp_path / "noise.png"))
        caption = page.inner_text("#caption")

    assert answer["success"]
    assert len(request.body) <= 100_000
    assert "scaled down in the browser from 1500 × 1500 to " in caption
