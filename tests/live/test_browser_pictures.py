"""Pictures by the page of their model: dropped, chosen, taken, pasted, large, and none at all."""

from io import BytesIO

import pytest
from PIL import Image

from tests.conftest import CAT, COFFEE, encoded
from tests.live.playing import again, asked, click, shown

DROP = """([bytes, name, type]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], name, { type }));
  const event = EVENT;
  document.querySelector("#drop").dispatchEvent(event);
}"""
DROPPED = DROP.replace("EVENT", 'new DragEvent("drop", { dataTransfer: data, bubbles: true })')
PASTED = DROP.replace(
    "EVENT", 'new ClipboardEvent("paste", { clipboardData: data, bubbles: true })'
)


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
    picture = [[*COFFEE.read_bytes()], "my coffee.jpg", "image/jpeg"]
    acts = {
        "dropped": lambda: page.evaluate(DROPPED, picture),
        "pasted": lambda: page.evaluate(PASTED, picture),
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
    assert problem["detail"] in shown(page)
    assert page.inner_text("#status") == "415 Unsupported Media Type."
