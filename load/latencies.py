"""Latencies as a window recorded them: values with their counts, from HDR histograms."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray

US_A_MS = 1000.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Spectrum:
    """How often each latency was seen: `values_ms` [n], rising, and `counts` [n]."""

    values_ms: Floats
    counts: Floats

    @property
    def total(self) -> int:
        """Latencies recorded."""
        return int(self.counts.sum())

    @property
    def mean_ms(self) -> float:
        """Arithmetic mean; nan if nothing was recorded."""
        return float(np.dot(self.values_ms, self.counts) / self.total) if self.total else np.nan

    def quantile_ms(self, shares: Floats | float) -> Floats:
        """The latency that each of *shares* [n], in 0…1, did not exceed; nan if there is none."""
        wanted = np.atleast_1d(np.asarray(shares, dtype=float))
        if not self.total:
            return np.full(wanted.shape, np.nan)
        reached = np.cumsum(self.counts) / self.total
        places = np.searchsorted(reached, wanted - 1e-12)
        return self.values_ms[np.minimum(places, len(self.values_ms) - 1)]


def decode(histogram: str) -> Spectrum:
    """The spectrum in a base64 HDR histogram of µs. Raises ValueError if it is none."""
    try:
        decoded = HdrHistogram.decode(histogram.encode())
    except Exception as error:  # the library raises whatever zlib, base64 and ctypes raise
        raise ValueError(f"not an HDR histogram: {error}") from error
    counts = np.array(decoded.counts[: decoded.counts_len], dtype=float)
    values_us = _values_us(
        decoded.lowest_trackable_value,
        decoded.highest_trackable_value,
        decoded.significant_figures,
    )
    seen = counts > 0
    return Spectrum(values_us[seen] / US_A_MS, counts[seen])


def percentile_ms(histogram: str, percent: float) -> float:
    """The latency that *percent* of a base64 HDR histogram did not exceed; 0 of an empty one."""
    spectrum = decode(histogram)
    return float(spectrum.quantile_ms(percent / 100)[0]) if spectrum.total else 0.0


def merged(spectra: Iterable[Spectrum]) -> Spectrum:
    """All latencies of *spectra* together."""
    parts = list(spectra)
    if not parts:
        return Spectrum(np.empty(0), np.empty(0))
    values, places = np.unique(
        np.concatenate([part.values_ms for part in parts]), return_inverse=True
    )
    counts = np.bincount(places, np.concatenate([part.counts for part in parts])).astype(float)
    return Spectrum(values, counts)


@lru_cache
def _values_us(lowest: int, highest: int, figures: int) -> Floats:
    """The highest value that each place of such a histogram stands for."""
    empty = HdrHistogram(lowest, highest, figures)
    return np.array(
        [
            empty.get_highest_equivalent_value(empty.get_value_from_index(place))
            for place in range(empty.counts_len)
        ],
        dtype=float,
    )
