import shutil

from service.models import listing
from tests.conftest import PROJECT


def test_every_version_is_a_line(tmp_path, capsys):
    iris = PROJECT / "config/models/iris"
    for place in ("flowers/1", "flowers/2", "iris", "broken"):
        shutil.copytree(iris, tmp_path / place)
    (tmp_path / "broken/model.onnx").unlink()

    listing.run(tmp_path)

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines] == ["broken", "flowers", "flowers", "iris"]
    assert lines[1][:4] == ["flowers", "1", "onnx", "0.0"]
    assert "refused:" in lines[0]


def test_an_empty_repository_says_how_to_fill_it(tmp_path, capsys):
    listing.run(tmp_path)

    assert "add" in capsys.readouterr().out
