"""What the application answers to keys and rates, without a server."""

import pytest

from config.api_keys import digest_of
from config.settings import from_environ
from service.app import create_app

KEYS = f"shop={digest_of('right').hex()} limit=3/hour; ops={digest_of('ops').hex()} scopes=metrics"


@pytest.fixture
def guarded(monkeypatch):
    monkeypatch.setenv("WEIR_API_KEYS", KEYS)
    monkeypatch.setenv("WEIR_RATE_LIMIT", "5/hour")
    return create_app(from_environ()).test_client()


def ask(client, key, path="/?msg=a", **fields):
    return client.get(path, headers={"X-API-Key": key} | fields, buffered=True)


def test_a_key_has_its_own_rate(guarded):
    assert [ask(guarded, "right").status_code for _ in range(4)] == [200, 200, 200, 429]


@pytest.mark.parametrize("path", ["/?msg=a", "/metrics", "/v2/models/iris"])
def test_guesses_are_counted_by_address_whatever_they_ask(guarded, path):
    statuses = [ask(guarded, f"guess {number}", path).status_code for number in range(7)]

    assert statuses == [401] * 5 + [429] * 2
    assert ask(guarded, "right").status_code == 200


def test_scrapes_with_a_key_are_not_counted(guarded):
    assert {ask(guarded, "ops", "/metrics").status_code for _ in range(9)} == {200}


def test_refusals_for_a_key_s_scope_count_for_the_key(guarded):
    assert [ask(guarded, "right", "/metrics").status_code for _ in range(4)] == [403, 403, 403, 429]
    assert ask(guarded, "wrong").status_code == 401


def test_a_site_of_ipv6_is_one_and_every_address_of_ipv4(guarded):
    def left(address):
        peer = {"REMOTE_ADDR": address}
        return guarded.get("/?msg=a", environ_base=peer, buffered=True).headers["RateLimit"]

    assert left("2001:db8::1").startswith('"address";r=4;')
    assert left("2001:db8::ffff").startswith('"address";r=3;')
    assert left("2001:db8:0:1::1").startswith('"address";r=4;')
    assert left("198.51.100.1").startswith('"address";r=4;')
    assert left("198.51.100.2").startswith('"address";r=4;')
