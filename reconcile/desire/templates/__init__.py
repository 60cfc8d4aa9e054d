"""Documents of the operator, merged into the children of each preview: read, checked, and applied."""
