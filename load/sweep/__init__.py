"""`sweep`: measures the service window by window, over workers and rates."""
