"""The models that all workers of an instance serve, and how they change while they serve."""
