"""The USL as textbooks fit it, to compare with published figures."""

import numpy as np
from scipy.optimize import least_squares

from load.scaling.laws import Floats, Law, log_throughput, peak
from load.scaling.outcome import Textbook
from load.scaling.selection import Measured, start


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
    log_lambda, sigma, kappa = least.x
    where = float(peak(least.x[1:2], least.x[2:3])[0])
    height = float(
        np.exp(log_lambda) * where / (1 + sigma * (where - 1) + kappa * where * (where - 1))
    )
    peaked = np.isfinite(where)
    return Textbook(
        lambda_rps=float(np.exp(log_lambda)),
        sigma=float(sigma),
        kappa=float(kappa),
        peak_workers=where if peaked else None,
        peak_rps=height if peaked else None,
    )
