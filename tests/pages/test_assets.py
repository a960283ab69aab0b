"""What pages load: names with a hash, kept for ever, none of them from elsewhere."""

import gzip
import os
import re
import shutil
import subprocess

import pytest

from tests.conftest import PROJECT, assert_problem

PAGES = ("/", "/models/iris", "/models/cat-or-dog", "/docs")
VENDOR = PROJECT / "service/pages/vendor"
HASHED = re.compile(r"[\w.-]+\.[0-9a-f]{12}\.(?:js|css|svg|txt)")


def loaded_by(client, path):
    """The names of what the page at *path* loads, and of what that imports."""
    waiting = {*HASHED.findall(client.get(path, headers={"Accept": "text/html"}).text)}
    found = set()
    while waiting:
        name = waiting.pop()
        found.add(name)
        if "swagger" not in name:
            waiting |= {*HASHED.findall(client.get(f"/static/{name}").text)} - found
    return found


@pytest.mark.parametrize("path", PAGES)
def test_each_file_may_be_kept_for_ever(client, path):
    names = loaded_by(client, path)

    assert any(name.endswith(".css") for name in names)
    for name in names:
        answer = client.get(f"/static/{name}")
        assert answer.status_code == 200, name
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        again = client.get(f"/static/{name}", headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")


def test_scripts_import_one_another_by_hashed_names(client):
    names = loaded_by(client, "/models/iris")

    assert {name.split(".")[0] for name in names if name.endswith(".js")} >= {
        "playground", "answer", "code", "csv", "element", "features", "picture", "tensor",
    }  # fmt: skip


def test_another_releases_name_leads_to_what_is_here_and_is_not_kept(client):
    for name in ("weir.000000000000.css", "weir.css"):
        answer = client.get(f"/static/{name}")
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "name", ["nothing.css", "..%2fassets.py", "package.json", "%2e%2e/assets.py", "weir.css.gz"]
)
def test_what_is_no_file_of_the_pages_is_not_found(client, name):
    assert_problem(client.get(f"/static/{name}"), 404)


def test_the_viewer_travels_compressed_to_who_takes_it(client):
    (name,) = (name for name in loaded_by(client, "/docs") if name.startswith("swagger-ui-bundle.")
               and name.endswith(".js"))  # fmt: skip

    packed = client.get(f"/static/{name}", headers={"Accept-Encoding": "gzip, br"})
    plain = client.get(f"/static/{name}")

    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert gzip.decompress(packed.data) == plain.data


def test_the_viewer_is_what_its_package_has(tmp_path):
    if not shutil.which("npm"):
        assert os.environ.get("CI") != "true"
        pytest.skip("npm is not installed; type: apt-get install npm")
    for file in ("package.json", "package-lock.json"):
        shutil.copy(VENDOR / file, tmp_path)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=300)
    package = tmp_path / "node_modules/swagger-ui-dist"

    for file in ("swagger-ui-bundle.js", "swagger-ui.css"):
        kept = gzip.decompress((VENDOR / f"{file}.gz").read_bytes())
        assert kept == (package / file).read_bytes()
    assert (VENDOR / "swagger-ui.LICENSE.txt").read_bytes() == (package / "LICENSE").read_bytes()
    assert (VENDOR / "swagger-ui.NOTICE.txt").read_bytes() == (package / "NOTICE").read_bytes()
