"""A fleet behind a real proxy, with the configuration that is shipped: what a replacement loses."""

import os

import pytest

from tests.conftest import also, eventually
from tests.live.fleet import SIZE, Fleet, Load

REQUESTS = 100_000 if os.environ.get("WHOLE") else 5_000

# What a client is told of a request that was sent to an instance which is no more. HAProxy ends a
# client's connection in silence if the instance's was a kept one, so that the client may decide
# whether to send it again (RFC 9112 section 9.3.1).
REASONS = {"haproxy": ("502 ", "EOFError()"), "nginx": ("502 ",)}


@pytest.fixture(
    scope="module", params=["haproxy", "nginx", *also("haproxy at sockets", "nginx at sockets")]
)
def fleet(request, tmp_path_factory):
    kind, _, at_sockets = request.param.partition(" at ")
    folder = tmp_path_factory.mktemp("fleet")
    with Fleet(folder, kind, at_sockets=bool(at_sockets)) as made:
        yield made


def test_a_rolling_replacement_under_load_loses_no_request(fleet):
    with Load(fleet.proxy.port) as load:
        for number in range(SIZE):
            due = (number + 1) * REQUESTS // (SIZE + 1)
            eventually(lambda due=due: load.answered >= due, within_s=300)
            assert fleet.instances[number].stop() == 0
            fleet.start_again(number)
        eventually(lambda: load.answered >= REQUESTS, within_s=300)

    assert load.lost == []


def test_a_kill_loses_only_what_was_in_flight(fleet):
    with Load(fleet.proxy.port) as load:
        eventually(lambda: load.answered > 1000, within_s=60)
        began_s, ended_s = fleet.kill(1)
        answered = load.answered
        eventually(lambda: load.answered > answered + 1000, within_s=60)
        fleet.start_again(1)

    assert len(load.lost) <= load.count, load.lost
    for lost in load.lost:
        assert lost.began_s <= ended_s, lost
        assert began_s <= lost.ended_s, lost
        assert lost.reason.startswith(REASONS[fleet.kind]), lost
        assert fleet.kind == "haproxy" or lost.method == "POST"
