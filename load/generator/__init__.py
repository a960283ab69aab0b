"""What sends: a process of its own."""
