"""The component `keys`: a Secret as the kubelet mounts it, and replaces it."""

import re
import subprocess
import sys

import requests

from tests.conftest import PROJECT, eventually
from tests.kubernetes.pods import find, of_kind, pods
from tests.kubernetes.rendering import MANIFESTS, with_components
from tests.live.instance import Instance, free_port

SHOWN = re.findall(
    r"python -m (service.keys new .*? --file keys)", (MANIFESTS / "README.md").read_text()
)


def made_keys(folder):
    """The keys that the README's commands make, and the file of them."""
    commands = [
        subprocess.run(
            [sys.executable, "-m", *shown.replace("--file keys", f"--file {folder}/keys").split()],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        for shown in SHOWN
    ]
    return [each.stdout.split()[0] for each in commands], (folder / "keys").read_text()


def mount(secret, version, text):
    """Lay *text* as the kubelet does: a folder for each version, and links that are replaced."""
    folder = secret / f"..{version}"
    folder.mkdir(parents=True)
    (folder / "keys").write_text(text)
    fresh = secret / "..data_tmp"
    fresh.symlink_to(folder.name)
    fresh.replace(secret / "..data")
    if not (secret / "keys").exists():
        (secret / "keys").symlink_to("..data/keys")


def test_the_secret_and_prometheus_own_are_wanted(tmp_path):
    documents = with_components(tmp_path, "monitored", "keys")
    its = pods(documents)
    (volume,) = (each for each in its.spec["volumes"] if each["name"] == "keys")
    (mounted,) = (each for each in its.container["volumeMounts"] if each["name"] == "keys")
    authorization = find(
        of_kind(documents, "PodMonitor"), "spec.podMetricsEndpoints.0.authorization"
    )

    assert volume["secret"] == {"secretName": "weir-keys", "optional": False}
    assert its.environment["WEIR_API_KEYS_FILE"] == f"{mounted['mountPath']}/keys"
    assert authorization["credentials"] == {"name": "weir-metrics-key", "key": "key"}


def test_a_secret_that_is_replaced_is_in_force_without_a_restart(tmp_path):
    secret, admin = tmp_path / "etc/weir", free_port()
    (shop, prometheus), lines = made_keys(tmp_path)
    mount(secret, 1, lines)
    variables = {"WEIR_API_KEYS_FILE": str(secret / "keys"), "WEIR_ADMIN_PORT": str(admin)}
    with Instance(tmp_path, **variables) as instance:

        def status(path, key=None, port=instance.port):
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            url = f"http://127.0.0.1:{port}{path}"
            return requests.get(url, headers=headers, timeout=10).status_code

        card = "/models/iris"
        assert [status(card), status(card, shop), status(card, prometheus)] == [401, 200, 403]
        assert [status("/metrics", key, admin) for key in (None, prometheus)] == [401, 200]
        assert [status(path, None, admin) for path in ("/healthz", "/readyz")] == [200, 200]

        mount(secret, 2, lines.partition("\n")[2])  # without the shop
        eventually(lambda: status(card, shop) == 401)
        assert status("/metrics", prometheus, admin) == 200
