"""From previews to the children that they want."""
