"""On which addresses an instance listens, whatever the system's defaults."""

import sys

import pytest
import requests

from tests.conftest import eventually
from tests.live.instance import WEB, Instance
from tests.live.namespace import inside

UP = "ip link set lo up 2>/dev/null || ifconfig lo up"
ONLY_6 = "echo 1 > /proc/sys/net/ipv6/bindv6only"
ASK = """
import time, urllib.request, sys
for host in sys.argv[2:]:
    for _ in range(200):
        try:
            print(urllib.request.urlopen(f"http://{host}:{sys.argv[1]}/healthz", timeout=5).status)
            break
        except OSError:
            time.sleep(0.1)
"""


def test_both_families_are_served_where_sockets_of_ipv6_are_of_ipv6_only(tmp_path):
    port, hosts = 8000, "127.0.0.1 [::1]"
    ask = f"{sys.executable} {tmp_path}/ask.py {port} {hosts} > {tmp_path}/answers &"
    (tmp_path / "ask.py").write_text(ASK)
    command = inside("--net --mount", f"{UP}; {ONLY_6}", WEB).replace("exec ", f"{ask} exec ", 1)

    with Instance(tmp_path, ready=False, command=command, PORT=str(port)):
        answered = eventually(
            lambda: (
                (tmp_path / "answers").exists()
                and len((tmp_path / "answers").read_text().split()) == 2
            ),
            within_s=40,
        )

    assert answered
    assert (tmp_path / "answers").read_text().split() == ["200", "200"]


@pytest.mark.parametrize(("host", "url"), [("::1", "[::1]"), ("localhost", "127.0.0.1")])
def test_a_host_is_an_address_or_a_name(tmp_path, host, url):
    with Instance(tmp_path, WEIR_HOST=host) as instance:
        assert requests.get(f"http://{url}:{instance.port}/healthz", timeout=5).ok
