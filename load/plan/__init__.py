"""`plan`: turns a sweep into the dynos or replicas to order."""
