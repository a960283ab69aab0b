"""What the master imports for all workers keeps nothing that gevent replaces in them."""

import json
import subprocess
import sys

import pytest

from tests.conftest import PROJECT

# Where a native one is right: it guards some steps that never wait, or is used in native threads.
NATIVE_IS_RIGHT = {
    ("click.globals", "local"),
    ("jinja2.utils", "Lock"),
    ("numpy._core.arrayprint", "get_ident"),
    ("werkzeug.routing.map", "Lock"),
    ("werkzeug.routing.map", "Map.lock_class"),
}

FIND = """
import json, os, sys, threading
import service.worker
from service.shared_imports import import_shared

before = set(sys.modules)
import_shared()
shared = {name: sys.modules[name] for name in set(sys.modules) - before}
shared = {name: module for name, module in shared.items() if hasattr(module, "__dict__")}
threads = len(os.listdir("/proc/self/task"))

from gevent import monkey
from gevent.monkey import _state

monkey.patch_all()
plain = (str, int, bool, dict, tuple, type(None))
replaced = {
    id(original)
    for names in _state.saved.values()
    for name, original in names.items()
    if not isinstance(original, plain)
}
kept = []
for name, module in shared.items():
    if name.startswith("gevent"):
        continue
    for attribute, value in list(vars(module).items()):
        if id(value) in replaced:
            kept.append((name, attribute))
        if isinstance(value, type) and value.__module__ == name:
            kept += [
                (name, f"{attribute}.{inner}")
                for inner, each in [*vars(value).items(), *((b.__name__, b) for b in value.__mro__)]
                if id(each) in replaced
            ]
print(json.dumps({"kept": kept, "threads": threads, "modules": sorted(shared)}), flush=True)
os._exit(0)
"""


@pytest.fixture(scope="module")
def found():
    ended = subprocess.run(
        [sys.executable, "-c", FIND], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    return json.loads(ended.stdout)


def test_no_library_keeps_what_gevent_replaces_but_where_that_is_right(found):
    kept = {tuple(each) for each in found["kept"]}

    assert not kept - NATIVE_IS_RIGHT
    assert {"flask", "numpy", "onnxruntime", "PIL.Image"} <= set(found["modules"])


def test_no_thread_is_started_that_a_fork_would_lose(found):
    assert found["threads"] == 1


def test_no_state_of_chance_is_shared(found):
    """NumPy's global generator is seeded when it is imported: by each worker for itself."""
    assert "numpy.random" not in found["modules"]


def test_the_service_itself_is_read_by_each_worker(found):
    """A reload sees changed code; what a worker's class needs the master has always read."""
    own = {name for name in found["modules"] if name.startswith("service.")}

    assert not own
