"""Pictures as people send them, made into arrays at a bounded cost."""
