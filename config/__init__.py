"""What an operator may tune, and what the machine allows."""
