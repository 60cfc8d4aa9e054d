"""`python -m tests.proofs.chaos`: a node, and a long bad night on it. The exit code is 0 where nothing was wrong."""

import argparse
import random
import signal
import sys
from pathlib import Path

from tests.controlplane import NotStarted
from tests.node import starting
from tests.node.node import Running
from tests.proofs.chaos.credentials import Credentials
from tests.proofs.chaos.judge import policy

SHELL = ("sh", "-c", 'exec "$@" 2>&1', "sh")
"""One stream for all that is said."""


def main() -> int:
    options = parse()
    if lacks := starting.missing():
        print(f"No node: {lacks}", file=sys.stderr)
        return 1
    own = starting.name_folder()
    folder = options.logs or starting.run_folder() / "chaos"
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return night(folder.resolve(), options.minutes, options.seed, options.without)
    except NotStarted as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        if own:
            starting.end(own)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.proofs.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--logs", type=Path, metavar="FOLDER", help="a new folder, which is kept")
    parser.add_argument("--without", action="append", default=[], metavar="ACTION", help="leave this out")
    return parser.parse_args()


def night(folder: Path, minutes: float, seed: int, without: list[str]) -> int:
    """Start a node in this folder, and the campaign inside it, which prints what it finds."""
    print(f"Seed {seed}, {minutes:g} minutes; logs in {folder}", flush=True)
    for name in without:
        print(f"  left out: {name}", flush=True)
    folder.mkdir(parents=True)
    credentials = Credentials(folder / "credentials")
    credentials.prepare()
    (folder / "audit.yaml").write_text(policy())
    audit = (
        f"--audit-policy-file={folder / 'audit.yaml'}",
        f"--audit-log-path={folder / 'audit.log'}",
        "--audit-log-maxsize=10000",
        # Later pages come from etcd, as before 1.34: else from a memory that hears late of a compaction.
        "--feature-gates=ListFromCacheSnapshot=false",
    )
    with starting.another(folder / "node", (*audit, *credentials.flags)) as node:
        options = [f"--minutes={minutes}", f"--seed={seed}", *(f"--without={name}" for name in without)]
        return told(node.start(*SHELL, sys.executable, "-m", "tests.proofs.chaos.inside", folder, *options))


def told(running: Running) -> int:
    """Print what it says as it says it; its exit code."""
    assert running.popen.stdout
    try:
        for line in running.popen.stdout:
            print(line, end="", flush=True)
    finally:
        running.signal(signal.SIGKILL)
    return running.popen.wait()


if __name__ == "__main__":
    sys.exit(main())
