"""Measurements beside others; each prints ratios of one run."""
