"""One run: passes, and what is told and waited for at its end."""
