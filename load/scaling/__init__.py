"""The scaling law: how throughput grows with the number of workers, with honest intervals."""

from load.scaling.fitting import TooFewSamples, fit
from load.scaling.laws import Law, throughput
from load.scaling.outcome import (
    Band,
    Ceiling,
    Fit,
    HoldOut,
    LawFit,
    Parameter,
    Peak,
    Sample,
    Textbook,
)

__all__ = [
    "Band",
    "Ceiling",
    "Fit",
    "HoldOut",
    "Law",
    "LawFit",
    "Parameter",
    "Peak",
    "Sample",
    "Textbook",
    "TooFewSamples",
    "fit",
    "throughput",
]
