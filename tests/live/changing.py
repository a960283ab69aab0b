"""Repositories that change, and what is asked of the service meanwhile."""

import http.client
import json
import shutil
import threading
from pathlib import Path

import requests

from tests.conftest import PROJECT
from tests.live.instance import Instance

TOKEN = "opensesame"
ADMIN = {"Authorization": f"Bearer {TOKEN}"}
IRIS = PROJECT / "config/models/iris"
FLOWER = {"name": "measurements", "shape": [1, 4], "datatype": "FP32", "data": [5.1, 3.5, 1.4, 0.2]}
BODY = json.dumps({"inputs": [FLOWER]})

DOUBLE = """
class Double:
    def load(self):
        self.weights = bytearray(30 << 20)

    def predict(self, batch):
        return {"factor": batch["x"] * 0 + FACTOR}
"""


def iris(repository, version):
    """Iris as another version, in place of the one before."""
    fresh = repository / ".iris"
    shutil.copytree(IRIS, fresh)
    toml = (fresh / "model.toml").read_text().replace('version = "1"', f'version = "{version}"')
    (fresh / "model.toml").write_text(toml)
    if (repository / "iris").exists():
        shutil.rmtree(repository / "iris")
    fresh.rename(repository / "iris")


def double(repository, version):
    """A model in a process of its own, whose answer is its version."""
    folder = repository / "double"
    folder.mkdir(exist_ok=True)
    (folder / "model.py").write_text(DOUBLE.replace("FACTOR", str(version)))
    (folder / "model.toml").write_text(
        f'platform = "python"\nfile = "model.py"\nversion = "{version}"\n[input.x]\n'
        'dtype = "float64"\n'
    )


def broken(repository):
    (repository / "iris/model.onnx").write_bytes(b"no graph")


def post(instance, path, headers=ADMIN):
    return requests.post(f"{instance.url}/v2/repository/{path}", headers=headers, timeout=60)


def versions(instance, model="iris", tries=12):
    """The versions that answer, by as many connections."""
    found = set()
    for _ in range(tries):
        told = requests.get(f"{instance.url}/v2/models/{model}", timeout=10)
        found |= set(told.json()["versions"]) if told.ok else {told.status_code}
    return found


def serving(tmp_path, repository, workers="2", **variables):
    return Instance(
        tmp_path,
        WEB_CONCURRENCY=workers,
        WEIR_MODELS=str(repository),
        WEIR_ADMIN_TOKEN=TOKEN,
        **variables,
    )


class Client(threading.Thread):
    """Asks iris over one connection, again and again; a new one where that breaks."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.stopped = port, False
        self.answers, self.failed, self.broken, self.backwards = 0, [], 0, []

    def run(self):
        while not self.stopped:
            connection, newest = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30), 0
            try:
                while not self.stopped:
                    newest = self._ask(connection, newest)
            except (OSError, http.client.HTTPException):
                self.broken += 1
            finally:
                connection.close()

    def _ask(self, connection, newest):
        connection.request("POST", "/v2/models/iris/infer", BODY)
        answer = connection.getresponse()
        told = json.loads(answer.read())
        if answer.status != 200:
            self.failed.append(told)
            return newest
        version = int(told["model_version"])
        if version < newest:
            self.backwards.append((newest, version))
        self.answers += 1
        return max(newest, version)


def memory_kb(instance):
    """What the workers have for themselves."""
    total = 0
    for pid in instance.workers():
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(("Private_Dirty:", "Private_Clean:")):
                total += int(line.split()[1])
    return total


def processes(instance):
    """The models' own processes."""
    marker, found = f"PORT={instance.port}".encode(), []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"service.inference.execution.host" in path.read_bytes().split(b"\0"):
                variables = (path.parent / "environ").read_bytes().split(b"\0")
                found += [int(path.parent.name)] if marker in variables else []
        except OSError:
            continue
    return found
