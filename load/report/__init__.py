"""A campaign as a report that can be read without knowing the method."""

from load.report.command import configure, run

__all__ = ["configure", "run"]
