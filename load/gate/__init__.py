"""`run`: checks a deployed service against its objective, for CI."""
