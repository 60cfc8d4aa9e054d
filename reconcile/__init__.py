"""preview-reconcile: every pull request's image at its own hostname, and nothing left when it is gone."""

__version__ = "0.1.0"
