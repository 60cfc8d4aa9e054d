"""Whether an object and its pods are ready, and if not, why."""
