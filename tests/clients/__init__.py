"""Programs that drive a service with clients of the Open Inference Protocol, each on its own."""
