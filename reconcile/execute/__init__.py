"""From changes to outcomes."""
