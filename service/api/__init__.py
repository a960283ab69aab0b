"""The routes, one file for each family of URLs, each with its schemas."""
