"""The command: options, terminal, shell, and runs one after the other. The pass knows nothing of it."""
