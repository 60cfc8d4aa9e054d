"""`python -m reconcile` is the command."""

from reconcile.command.cli import main

if __name__ == "__main__":
    main()
