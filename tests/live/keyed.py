"""Keys for tests, canaries all; and how a running instance is given others."""

import secrets
from hashlib import sha256

from config.api_keys import digest_of
from tests.conftest import eventually

# The same in every process of pytest's, which must find the same tests.
SHOP, PROM, OPS, OTHER, TOKEN = (
    f"weir_canary_{sha256(bytes([number])).hexdigest()[:40]}" for number in range(5)
)
KEYS = (
    f"shop={digest_of(SHOP).hex()} models=iris\n"
    f"prom={digest_of(PROM).hex()} scopes=metrics\n"
    f"ops={digest_of(OPS).hex()} scopes=admin,predict limit=none\n"
)
IRIS = "sepal_length=5.1&sepal_width=3.5&petal_length=1.4&petal_width=0.2"
PREDICT = f"/models/iris/predict?{IRIS}"


def write(path, text):
    """Replace a file as Kubernetes and careful people do: at once."""
    beside = path.with_suffix(".new")
    beside.write_text(text)
    beside.replace(path)


def give(instance, path, text=KEYS):
    """Replace the keys, and wait until every worker has them."""
    mark = f"mark-{secrets.token_hex(4)}"
    write(path, f"{text}{mark}={digest_of(mark).hex()}\n")

    def have_it():
        changed = instance.lines(event="api_keys_changed")
        return {line["pid"] for line in changed if mark in line["names"]} == {*instance.workers()}

    eventually(have_it)


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def field(key):
    return {"X-API-Key": key}
