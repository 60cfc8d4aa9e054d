"""Whether a Deployment, a Job and their pods are ready, and if not, why."""
