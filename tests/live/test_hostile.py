"""Whatever a stranger sends at full speed gets an answer of its class, and so do all others."""

import pytest

from load.benchmarks.hostile import ENDLESS, WHOLE, measure
from tests.conftest import also

SECONDS = 1.5

# What each shape is refused with; whatever is not here is read and answered.
REFUSED = {
    "small lists": "413",
    "members": "413",
    "form a&a&a": "413",
    "part heads": "400",
    "part parameters": "400",
    "near boundaries": "415",
    "base64 of nothing": "415",
    "rows of iris": "422",
    "unknown names": "422",
    "1-byte chunks": "400",
    "chunk extensions": "400",
    "one long extension": "400",
    "a head without end": "431",
    "trailers": "431",
    "a head byte by byte": "431",
    "connections": "closed",
}


SHAPES = [*WHOLE, *ENDLESS]


@pytest.mark.parametrize("shape", [*SHAPES[::2], *also(*SHAPES[1::2])])
def test_a_hostile_shape_is_answered_and_so_is_everybody_else(service, shape):
    took_ms, echoed, ends = measure(service.port, shape, SECONDS)

    assert set(ends) <= {REFUSED.get(shape, "200"), "none"}
    assert ends[REFUSED.get(shape, "200")] > 0
    assert len(took_ms) == 20  # each probe was answered as it should be, or measure() raises
    assert echoed > 10
    assert not service.lines(level="error")
