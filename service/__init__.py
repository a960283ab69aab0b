"""Weir: a trained model as a web endpoint that an SRE would sign off."""

__version__ = "0.1.0"
