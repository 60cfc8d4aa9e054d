"""From outcomes to each preview's status, and to Events."""
