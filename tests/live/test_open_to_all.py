"""A service that everybody may ask says so when it starts."""

import pytest

from config.api_keys import digest_of
from tests.live.instance import Instance

KEYS = f"shop={digest_of('sesame').hex()}"


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, 1),
        ({"WEIR_HOST": "0.0.0.0"}, 1),
        ({"WEIR_HOST": "127.0.0.1"}, 0),
        ({"WEIR_API_KEYS": KEYS}, 0),
        ({"WEIR_SOCKET": "weir.sock"}, 0),
    ],
)
def test_a_service_that_is_open_to_all_says_so_once(tmp_path, variables, told):
    if "WEIR_SOCKET" in variables:
        variables = {"WEIR_SOCKET": str(tmp_path / variables["WEIR_SOCKET"])}
    with Instance(tmp_path, WEB_CONCURRENCY="2", **variables) as instance:
        port = instance.port
        lines = [line["event"] for line in instance.lines() if "API keys" in line["event"]]

    said = f"Whoever reaches port {port} may ask: there are no API keys (WEIR_API_KEYS_FILE)"
    assert lines == [said] * told
