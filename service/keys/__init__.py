"""`python -m service.keys`: makes API keys."""
