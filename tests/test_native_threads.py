"""Native threads may import and start programs, also after gevent's patch."""

import subprocess
import sys

from tests.conftest import PROJECT

# 40 modules that import one another, imported by four native threads and the hub at once.
SCRIPT = """
from gevent import monkey
monkey.patch_all()
from service.native_threads import keep_native
keep_native()
import importlib, importlib._bootstrap, sys
from gevent.threadpool import ThreadPool
sys.path.insert(0, sys.argv[1])
sys.setswitchinterval(1e-5)
native = monkey.get_original("_thread", "allocate_lock")
assert type(importlib._bootstrap._ModuleLock("x").wakeup) in {type(native()), list}
pool = ThreadPool(4)
for _ in range(20):
    tasks = [pool.spawn(importlib.import_module, f"linked{n}") for n in (0, 39, 20, 10)]
    importlib.import_module("linked5")
    assert [task.get(timeout=20).NAME for task in tasks] == [0, 39, 20, 10]
    for name in [name for name in sys.modules if name.startswith("linked")]:
        del sys.modules[name]
print("imported")
"""


def test_native_threads_that_import_at_once_all_come_to_an_end(tmp_path):
    for number in range(40):
        (tmp_path / f"linked{number}.py").write_text(
            f"import linked{(number + 1) % 40}, linked{(number + 7) % 40}\nNAME = {number}\n"
        )

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout == "imported\n", done.stderr


PROGRAMS = """
from gevent import monkey
monkey.patch_all()
from service.native_threads import keep_native
keep_native()
import subprocess
from gevent.threadpool import ThreadPool
import gevent
pool = ThreadPool(4)
ask = lambda: subprocess.run(["echo", "4"], capture_output=True, text=True, check=True).stdout
tasks = [pool.spawn(ask) for _ in range(20)]
print({task.get(timeout=20) for task in tasks}, ask(), gevent.sleep(0.01))
"""


def test_native_threads_may_start_programs_and_wait_for_them():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAMS],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout == "{'4\\n'} 4\n None\n", done.stderr
    assert done.stderr == ""
