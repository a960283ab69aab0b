"""Weights that stand in memory once for all workers: a file that each of them maps."""
