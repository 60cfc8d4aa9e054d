"""Where objects live: one port, and an adapter for each kind of place."""
