"""Why a request was slow, refused or wrong, from the log alone: python -m service.explain."""
