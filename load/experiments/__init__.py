"""Measurements that test what the harness claims; run by hand, their figures go into commits."""
