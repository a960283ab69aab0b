"""`compare`: tells what changed between two sweeps."""
