"""Samples of machines whose law is known."""

import numpy as np

from load.scaling import Law, Sample, throughput

DESIGN = (1, 2, 1, 4, 8, 16, 32, 1)


def samples(law, parameters, *, rounds=6, noise=0.02, shared=0.0, seed=0, design=DESIGN):
    rng = np.random.default_rng(seed)
    true = throughput(law, parameters, design)
    return [
        Sample(workers=n, throughput_rps=float(x * np.exp(drift + away)), round=i)
        for i in range(rounds)
        for drift in [shared * rng.standard_normal()]
        for n, x, away in zip(design, true, noise * rng.standard_normal(len(design)), strict=True)
    ]


def usl(sigma, kappa, **how):
    return samples(Law.USL, {"lambda": 100.0, "sigma": sigma, "kappa": kappa}, **how)
