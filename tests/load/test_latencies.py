from math import ceil

import pytest
from hdrh.histogram import HdrHistogram

from load.latencies import percentile_ms

RESOLUTION = 1e-3  # of a histogram with three significant figures


@pytest.mark.parametrize("percent", [0, 1, 50, 90, 99, 99.9, 100])
@pytest.mark.parametrize("latencies_us", [[7], [1, 2, 3], range(100, 90_000, 37), [5, 5, 10**6]])
def test_a_percentile_is_what_that_share_did_not_exceed(latencies_us, percent):
    histogram = HdrHistogram(1, 60_000_000, 3)
    for latency_us in latencies_us:
        histogram.record_value(latency_us)
    expected_us = sorted(latencies_us)[max(0, ceil(percent / 100 * len(latencies_us)) - 1)]

    found_ms = percentile_ms(histogram.encode().decode(), percent)

    assert found_ms == pytest.approx(expected_us / 1000, rel=RESOLUTION)


def test_of_nothing_it_is_0():
    assert percentile_ms(HdrHistogram(1, 60_000_000, 3).encode().decode(), 99) == 0
