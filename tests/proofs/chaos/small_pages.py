"""The command, with few objects a page: `python -m tests.proofs.chaos.small_pages --interval 1s`."""

from reconcile.cli.main import main
from reconcile.cluster.kubernetes import client

FEW = 5

if __name__ == "__main__":
    client.PAGE = FEW  # type: ignore[attr-defined]  # imported there
    main()
