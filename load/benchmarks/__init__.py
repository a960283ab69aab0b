"""What measures Weir alone."""
