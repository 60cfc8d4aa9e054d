"""A whole stack on the node: the documents of the cookbook, and images that do what their pages run."""
