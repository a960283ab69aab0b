import json
import shutil
import warnings

import pytest

from service.errors import InvalidModel
from service.inference.manifest.reading import read_manifest
from service.models import add
from service.models.target import slug
from tests.conftest import CAT, PROJECT, framework

IRIS = PROJECT / "config/models/iris/model.onnx"
THERMOMETER = """
class Thermometer:
    example = {"celsius": 21.5, "place": "Oslo"}

    def load(self):
        self.zero = 32

    def predict(self, batch):
        return batch["celsius"] * 9 / 5 + self.zero
"""


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


@pytest.fixture
def adding(repository):
    def run(*files, name=None, version=None, **asked):
        add.run(repository, files, name=name, version=version, **asked)
        folder = repository / (name or slug(files[0].stem)) / (version or "")
        return read_manifest(folder)

    return run


@pytest.fixture
def thermometer(tmp_path):
    path = tmp_path / "Thermo Meter.py"
    path.write_text(THERMOMETER)
    return path


def test_an_onnx_file_becomes_a_folder_with_an_example(adding, capsys):
    told = adding(IRIS, name="flowers")

    assert (told.name, told.platform, told.inputs["measurements"].kind) == (
        "flowers",
        "onnx",
        "tensor",
    )
    assert json.loads(told.example.read_text()) == {"measurements": [0.0] * 4}
    said = capsys.readouterr()
    assert "opening model.onnx … " in said.err
    assert "[[input.measurements.feature]]" in said.out
    assert "curl -d '{\"measurements\":[0.0,0.0,0.0,0.0]}'" in said.out


def test_bytes_of_pixels_are_a_picture(adding):
    told = adding(CAT.parent / "model.onnx", name="cats", example=str(CAT))

    assert told.inputs["image"].image.size == (224, 224)
    assert told.example.read_bytes() == CAT.read_bytes()
    assert adding(CAT.parent / "model.onnx", name="grey").example.name == "example.png"


def test_a_class_s_own_example_tells_its_inputs(adding, thermometer):
    told = adding(thermometer)

    assert told.name == "thermo-meter"
    assert told.inputs["celsius"].dtype == "float64"
    assert told.inputs["place"].dtype == "string"
    assert json.loads(told.example.read_text()) == {"celsius": 21.5, "place": "Oslo"}


def test_what_a_class_reads_comes_with_it(adding, thermometer, tmp_path):
    (tmp_path / "zero.txt").write_text("32")
    read = 'float(__import__("pathlib").Path(__file__).with_name("zero.txt").read_text())'
    thermometer.write_text(THERMOMETER.replace("32", read))

    with pytest.raises(InvalidModel, match=r"zero\.txt"):
        adding(thermometer)
    assert adding(thermometer, tmp_path / "zero.txt").name == "thermo-meter"


def test_an_example_may_be_given(adding, thermometer):
    thermometer.write_text(THERMOMETER.replace("example", "sample"))

    with pytest.raises(InvalidModel, match="--example"):
        adding(thermometer)
    told = adding(thermometer, example='{"rows": [{"celsius": 3}, {"celsius": 4}]}')
    assert list(told.inputs) == ["celsius"]


def test_versions_stand_beside_each_other(adding, thermometer, repository):
    adding(thermometer, name="thermo", version="1")
    told = adding(thermometer, name="thermo", version="2")

    assert told.version == "2"
    assert sorted(path.name for path in (repository / "thermo").iterdir()) == ["1", "2"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"file": "nothing.onnx"}, "no file"),
        ({"file": "notes.txt"}, "no model of XGBoost"),
        ({"file": "broken.onnx"}, "no ONNX model"),
        ({"file": "model.onnx", "name": "taken"}, "--version"),
        ({"file": "model.onnx", "name": "taken", "version": "2"}, "one version"),
        ({"file": "model.onnx", "name": "Größe"}, "letters"),
        ({"file": "model.onnx", "name": ".."}, "letters"),
        ({"file": "model.onnx", "version": ".."}, "letters"),
        ({"file": "model.onnx", "example": "{"}, "not valid JSON"),
        ({"file": "model.onnx", "example": "nowhere.json"}, "neither"),
        ({"file": "model.onnx", "example": '{"measurements": [1]}'}, "a list of 4"),
        ({"file": "model.pkl"}, "allow_pickle"),
        ({"file": "model.onnx", "image": "imagenet"}, "it takes measurements [-1, 4]"),
    ],
    ids=str,
)
def test_what_cannot_be_added_is_refused_and_leaves_nothing(
    adding, repository, tmp_path, arguments, said
):
    shutil.copy(IRIS, tmp_path / "model.onnx")
    for name in ("notes.txt", "broken.onnx"):
        (tmp_path / name).write_text("nothing")
    if arguments["file"].endswith(".pkl"):
        framework("skops", "make install-sklearn")
        (tmp_path / "model.pkl").write_bytes(b"\x80\x04N.")
    shutil.copytree(IRIS.parent, repository / "taken")
    file = tmp_path / arguments["file"]

    with pytest.raises(InvalidModel) as raised:
        adding(file, **{name: value for name, value in arguments.items() if name != "file"})

    assert said in str(raised.value)
    assert [path.name for path in repository.iterdir()] == ["taken"]


def test_types_are_trusted_by_one_word(adding, tmp_path):
    install = "make install-sklearn"
    framework("sklearn", install)
    skops = framework("skops.io", install)
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(2).fit([[0, 1], [1, 0]], ["a", "b"])
    skops.dump(forest, tmp_path / "forest.skops")

    with pytest.raises(InvalidModel, match=r"trusted = \['sklearn.tree._tree.Tree'\]"):
        adding(tmp_path / "forest.skops")
    told = adding(tmp_path / "forest.skops", trust=True)
    assert {k: v for k, v in told.options.items() if k == "trusted"} == {
        "trusted": ["sklearn.tree._tree.Tree"]
    }
    assert told.outputs["probabilities"].labels == ("a", "b")


def test_another_release_that_saved_it_is_told(adding, tmp_path, capsys):
    framework("sklearn", "make install-sklearn")
    import pickle
    from importlib.metadata import version

    from sklearn.naive_bayes import GaussianNB

    here, other = version("scikit-learn"), "0.9.0"
    saved = pickle.dumps(GaussianNB().fit([[0.0], [1.0]], ["a", "b"]))
    assert here.encode() in saved
    (tmp_path / "m.pkl").write_bytes(saved.replace(here.encode(), other.encode().ljust(len(here))))

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        adding(tmp_path / "m.pkl", trust=True)

    assert f"it was saved with scikit-learn {other}, and {here} is installed" in (
        capsys.readouterr().out
    )
