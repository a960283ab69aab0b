"""What a request's time went into, where no service can be made to show it at will."""

import pytest

from service.explain.cause import cause_of
from service.explain.lines import event_of


def written(**facts):
    """A request that was being sent for most of its time."""
    line = {"timestamp": "2026-11-28T20:00:00.000+00:00", "event": "http_request", "status": 200}
    return event_of(line | {"decode_ms": 2.0, "write_ms": 100.0, "total_ms": 102.0} | facts)


@pytest.mark.parametrize(
    ("facts", "cause"),
    [
        ({"bytes_out": 31}, "no processor"),
        ({"bytes_out": 1 << 20}, "slow client"),
        ({"bytes_out": 31, "cut": "write_timeout"}, "slow client"),
    ],
)
def test_who_kept_an_answer_waiting(facts, cause):
    request = written(**facts)

    assert cause_of(request, [request]).name == cause
