"""The command, with few objects a page: `python -m tests.chaos.small_pages --interval 1s`."""

from reconcile.cluster.kubernetes import client
from reconcile.command.cli import main

FEW = 5

if __name__ == "__main__":
    client.PAGE = FEW  # type: ignore[attr-defined]  # imported there
    main()
