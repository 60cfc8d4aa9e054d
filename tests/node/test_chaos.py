"""Two minutes of `make chaos`, on a node of its own: etcd and its API server are killed."""

import os
import subprocess
import sys

import pytest

from tests.e2e.process import REPOSITORY
from tests.node import starting

MINUTES = 2
WITHOUT = ("etcd put back", "etcd put back unnoticed")
"""What is seen then depends on which cache hears of it when. `make chaos` has both."""
LONGEST = 900.0


def test_whatever_happens_nothing_is_deleted_wrongly_and_all_is_well_once_it_is_quiet() -> None:
    if "NODE_KUBECONFIG" in os.environ:
        pytest.skip("a cluster that somebody named is not broken")
    if lacks := starting.missing():
        pytest.skip(lacks)
    without = [f"--without={action}" for action in WITHOUT]
    command = (sys.executable, "-m", "tests.proofs.chaos", f"--minutes={MINUTES}", *without)
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=LONGEST)
    assert done.returncode == 0, done.stdout + done.stderr
