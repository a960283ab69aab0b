"""Callers' rows asked together: the queue of a model and what empties it."""
