"""The servers that Weir is measured beside."""
