"""What people write, and what one pass saw."""
