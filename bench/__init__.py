"""What `make bench` runs: the command beside what people would use instead, on a real API server."""
