"""A small model of the API server, and what is proved with it: interleavings, claims, the clock."""
