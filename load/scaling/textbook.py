"""The USL as textbooks fit it, to compare with published figures."""

import numpy as np
from scipy.optimize import least_squares

from load.scaling.laws import Floats, Law, log_throughput, peak
from load.scaling.outcome import Textbook
from load.scaling.selection import Measured, start

NEGLIGIBLE = 1e-9  # a bound of 0 is only ever approached


def textbook(measured: Measured) -> Textbook:
    """
    Least squares of the throughput itself, no parameter negative.

    It follows the largest throughputs and gives N=1 next to no weight, unlike the fit in log space.
    """
    rps = np.exp(measured.log_rps)

    def errors(theta: Floats) -> Floats:
        away: Floats = np.exp(log_throughput(Law.USL, theta[None], measured.workers)[0]) - rps
        return away

    begin = start(Law.USL, measured)[0]
    least = least_squares(
        errors,
        begin,
        bounds=([-np.inf, 0, 0], np.inf),
        x_scale=[1, 0.01, 0.0001],
        xtol=1e-14,
        ftol=1e-14,
        gtol=1e-14,
    )
    scale, sigma, kappa = float(np.exp(least.x[0])), float(least.x[1]), float(least.x[2])
    if kappa < NEGLIGIBLE:
        return Textbook(lambda_rps=scale, sigma=sigma, kappa=0.0, peak_workers=None, peak_rps=None)
    where = float(peak(least.x[1:2], least.x[2:3])[0])
    height = scale * where / (1 + sigma * (where - 1) + kappa * where * (where - 1))
    return Textbook(lambda_rps=scale, sigma=sigma, kappa=kappa, peak_workers=where, peak_rps=height)
