import subprocess
import sys
from pathlib import Path

from load.rig.server import PRODUCT
from tests.conftest import PROJECT
from tests.load.conftest import served


def test_locust_drives_the_product_and_leaves_out_what_it_does_not_serve():
    with served(1, app=PRODUCT) as instance:
        said = subprocess.run(
            [
                *(Path(sys.executable).parent / "locust", "-f", "load/locustfile.py"),
                *("--headless", "--host", instance.url, "--users", "8", "--spawn-rate", "8"),
                *("--run-time", "3s", "--stop-timeout", "5", "--only-summary"),
            ],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    text = said.stdout + said.stderr
    assert said.returncode == 0, text
    assert "/models/cat-or-dog/predict" in text
    assert "GET      / " in text
    if not (PROJECT / "config/models/iris").is_dir():
        assert "TabularUser stays at home" in text
