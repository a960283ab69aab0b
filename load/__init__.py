"""The load harness: speaks HTTP, imports nothing of the service."""
