"""A folder of manifests as a cluster."""
