"""The command, which writes each fingerprint that there is to write: `python -m bench.unbounded`.

It prepares what is measured, and is not measured itself: with the bound that users have, ten thousand
previews take forty runs.
"""

from reconcile.cli.main import main
from reconcile.status import publish

if __name__ == "__main__":
    publish.MOST_MARKED = 1_000_000
    main()
