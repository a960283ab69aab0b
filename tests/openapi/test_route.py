"""GET /openapi.json: one edition for each change of the models."""

import pytest
from jsonschema import Draft202012Validator

from service.openapi import route
from tests.conftest import eventually
from tests.openapi.conftest import served
from tests.openapi.repository import GRADES, SUM, add

PATH = "/openapi.json"


@pytest.fixture
def app(tmp_path):
    for version, most in (("1", 10), ("2", 20)):
        add(tmp_path / "models/grades" / version, GRADES.format(most=most), SUM)
    return served(tmp_path / "models")


def most(answer):
    row = answer.get_json()["components"]["schemas"]["GradesRow"]
    return row["properties"]["points"]["maximum"]


def test_it_is_json_that_is_asked_for_anew(app):
    answer = app.test_client().get(PATH)

    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["ETag"].startswith('"')


def test_who_has_it_is_told_so(app):
    client = app.test_client()
    tag = client.get(PATH).headers["ETag"]

    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        answer = client.get(PATH, headers={"If-None-Match": known})
        assert (answer.status_code, answer.get_data()) == (304, b"")
        assert answer.headers["ETag"] == tag
        assert "Content-Length" not in answer.headers
    assert client.get(PATH, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_head_has_no_body(app):
    client = app.test_client()
    whole, head = client.get(PATH), client.head(PATH)

    assert head.get_data() == b""
    assert head.headers["Content-Length"] == str(len(whole.get_data()))
    assert client.post(PATH).status_code == 405


def test_it_is_written_once_for_the_models_as_they_are(app, monkeypatch):
    client = app.test_client()
    client.get(PATH)
    monkeypatch.setattr(route, "document", lambda *_: pytest.fail("written again"))

    assert client.get(PATH).status_code == 200


def test_it_changes_when_a_model_goes_and_when_it_comes(app, tmp_path):
    client = app.test_client()
    before = client.get(PATH)

    app.catalog.replace("grades", [])
    gone = client.get(PATH)
    assert "/models/grades/predict" not in gone.get_json()["paths"]
    assert gone.headers["ETag"] != before.headers["ETag"]
    app.catalog.replace("grades", app.catalog.made("grades", [tmp_path / "models/grades/1"]))
    eventually(lambda: not app.catalog.is_loading)
    back = client.get(PATH)
    assert most(back) == 10
    assert "/models/grades/versions/1/predict" not in back.get_json()["paths"]


def test_it_changes_when_another_version_answers(app):
    client = app.test_client()
    assert most(client.get(PATH)) == 20

    app.catalog.find("grades", "2")._state = "failed"
    assert most(client.get(PATH)) == 10


def test_a_model_that_has_never_loaded_is_not_described(tmp_path):
    add(tmp_path / "models/grades", GRADES.format(most=10), SUM)
    add(tmp_path / "models/broken", GRADES.format(most=10), "raise OSError('no')")
    from config.settings import from_environ
    from service.app import create_app

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEIR_MODELS", str(tmp_path / "models"))
        app = create_app(from_environ())
    eventually(lambda: not app.catalog.is_loading)

    paths = app.test_client().get(PATH).get_json()["paths"]
    assert "/models/grades/predict" in paths
    assert not [path for path in paths if "broken" in path]


UNSPEAKABLE = """
class Unspeakable:
    def load(self):
        pass

    def predict(self, batch):
        return {"a\\ud800": batch["points"]}
"""
TWICE = 'ignored = ["id", "id"]\n[input.points]\ndtype = "float64"\n'


def test_a_model_that_cannot_be_described_hides_no_other(tmp_path):
    add(tmp_path / "models/grades", GRADES.format(most=10), SUM)
    add(tmp_path / "models/unspeakable", GRADES.format(most=10), UNSPEAKABLE)
    add(tmp_path / "models/twice", TWICE, SUM)
    client = served(tmp_path / "models").test_client()

    answer = client.get(PATH)

    assert answer.status_code == 200
    assert "/models/grades/predict" in answer.get_json()["paths"]
    assert "/models/twice/predict" in answer.get_json()["paths"]
    assert client.get("/docs").status_code == 200


def test_what_is_as_wide_as_a_text_is_described_as_of_any_width(tmp_path):
    code = SUM.replace("numbers.reshape(len(numbers), -1).sum(axis=1, dtype=float)", "CODES")
    codes = "np.array([[ord(c) for c in text] for text in numbers], dtype=float)"
    text = '[input.word]\ndtype = "string"\n'
    add(tmp_path / "models/codes", text, "import numpy as np\n" + code.replace("CODES", codes))
    client = served(tmp_path / "models").test_client()
    schema = client.get(PATH).get_json()["components"]["schemas"]["CodesAnswer"]

    for word in ("a", "ab", "a longer word"):
        answer = client.post("/models/codes/predict", json={"word": word}).get_json()["response"]
        Draft202012Validator(schema).validate(answer)
