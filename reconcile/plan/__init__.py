"""From what is there and what is wanted to changes; pure."""
