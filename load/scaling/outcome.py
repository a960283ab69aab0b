"""What a fit says; all figures of throughput are in requests a second."""

import msgspec

from load.scaling.laws import Law


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One valid window."""

    workers: int
    throughput_rps: float
    round: int


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter of a law, with its 95 % profile-likelihood interval."""

    name: str  # lambda (requests a second), sigma, kappa or demand (shares of lambda's time)
    value: float
    low: float
    high: float


class LawFit(msgspec.Struct, frozen=True, kw_only=True):
    """One law at its best."""

    law: Law
    parameters: tuple[Parameter, ...]
    aicc: float  # only differences between laws mean something
    weight: float  # Akaike weight: the share of plausibility, all laws together 1
    residuals: tuple[float, ...]  # ln(measured ÷ law) of each sample, in their order

    @property
    def by_name(self) -> dict[str, Parameter]:
        """Its parameters by name."""
        return {each.name: each for each in self.parameters}


class Textbook(msgspec.Struct, frozen=True, kw_only=True):
    """The USL by plain least squares of throughput, as textbooks and other tools do it."""

    lambda_rps: float
    sigma: float
    kappa: float
    peak_workers: float | None  # None: it has no peak
    peak_rps: float | None


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """The throughput of so many workers, the laws averaged by their weights; 95 % intervals."""

    workers: int
    throughput_rps: float
    mean_low_rps: float  # of the mean of very many windows: the confidence band
    mean_high_rps: float
    window_low_rps: float  # of the next single window: the prediction band
    window_high_rps: float
    extrapolated: bool  # beyond the largest number of workers that was measured


class HoldOut(msgspec.Struct, frozen=True, kw_only=True):
    """The largest number of workers, predicted from the smaller ones alone."""

    workers: int
    law: Law  # preferred without it
    measured_rps: float  # geometric mean of its windows
    predicted_rps: float
    low_rps: float  # 95 % prediction interval of that mean
    high_rps: float

    @property
    def error(self) -> float:
        """How far the prediction was off, as a share of what was measured."""
        return self.predicted_rps / self.measured_rps - 1

    @property
    def hit(self) -> bool:
        """Whether the measurement fell into the interval."""
        return self.low_rps <= self.measured_rps <= self.high_rps


class Peak(msgspec.Struct, frozen=True, kw_only=True):
    """
    Where more workers begin to mean less throughput.

    Either *workers* with its 95 % interval is given, or *none_below*: up to there nothing peaks.
    Without *high* the interval ends farther away than the measurements can tell.
    """

    workers: float | None = None
    low: float | None = None
    high: float | None = None
    none_below: int | None = None


class Ceiling(msgspec.Struct, frozen=True, kw_only=True):
    """What no number of workers passes, lambda/sigma (or lambda/demand), with its interval."""

    rps: float
    low_rps: float
    high_rps: float


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """The scaling law of some windows."""

    samples: tuple[Sample, ...]
    refused: tuple[str, ...]  # why the law must not be used, a sentence each; empty: it may
    laws: tuple[LawFit, ...]  # every law, the most plausible first
    textbook: Textbook
    window_noise: float  # relative standard deviation of a window within a round
    round_noise: float  # of what all windows of a round share
    misfit: float  # largest |mean residual| of a number of workers under the chosen law, relative
    bands: tuple[Band, ...]  # by workers, up to the last that may be told; empty without draws
    peak: Peak | None  # None without draws
    ceiling: Ceiling | None  # None where sigma's interval touches 0, or without draws
    hold_out: HoldOut | None  # None with fewer than four numbers of workers, or without draws
    sentences: tuple[str, ...]  # the parameters and the outcome in plain English

    @property
    def chosen(self) -> LawFit:
        """The law that the measurements prefer."""
        return self.laws[0]

    @property
    def usl(self) -> LawFit:
        """The Universal Scalability Law, whether preferred or not."""
        return next(each for each in self.laws if each.law is Law.USL)
