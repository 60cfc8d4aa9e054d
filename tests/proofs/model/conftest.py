"""What the proofs over the model of an API server share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proofs.model.interleavings import Alone
from tests.proofs.model.sessions import in_sessions, kubeconfig


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Alone]:
    """Undisturbed runs, in sessions of this test."""
    with in_sessions():
        yield Alone(kubeconfig(tmp_path))
