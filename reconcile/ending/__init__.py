"""The end of a run: statuses are written, previews waited for, and what fails is shown."""
