"""`python -m reconcile` is the command."""

from reconcile.cli.main import main

if __name__ == "__main__":
    main()
