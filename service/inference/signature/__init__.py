"""What a model takes and answers, and how requests are checked against it."""
