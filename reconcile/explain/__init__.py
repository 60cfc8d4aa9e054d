"""Why one preview is as it is."""
