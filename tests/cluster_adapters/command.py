"""The command as a person runs it, in this process, against a mocked API server.

world     the API server: has nothing until a test puts it there; `world.run` is `reconcile` with these
          arguments, which never really sleeps
"""

import functools
from pathlib import Path

import pytest
import respx

from reconcile.cli.main import exit_code_of
from reconcile.cluster.kubernetes import connect
from tests.cluster_adapters.conftest import SERVER, FakeTime, write_kubeconfig
from tests.cluster_adapters.world import World
from tests.in_process import Ended


@pytest.fixture
def world(
    httpx2_mock: respx.Router,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    as_before: None,
) -> World:
    kubeconfig = write_kubeconfig(tmp_path, SERVER)

    def run(*args: str) -> Ended:
        paced = functools.partial(connect, pacing=FakeTime().pacing)
        monkeypatch.setattr("reconcile.cluster.kubernetes.connect", paced)
        code = exit_code_of(["--kubeconfig", kubeconfig, *args])
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    world = World(run)
    httpx2_mock.route().mock(side_effect=world)
    return world
