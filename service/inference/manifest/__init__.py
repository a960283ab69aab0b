"""What model.toml says."""
