"""What operators do to a control plane under a command that runs: its certificate rotated, etcd put back.

Both in one control plane, whose start is dear.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest

from tests.cluster_adapters.authorities import Sort, make
from tests.controlplane import Account, ControlPlane, eventually, install_crds
from tests.controlplane.install import known_crds
from tests.controlplane.kubeconfig import token, write_kubeconfig
from tests.controlplane.programs import API_PROGRAMS, spawn
from tests.controlplane.starting import certificate
from tests.e2e.conftest import API_REMEDY, skip_without
from tests.e2e.process import Process
from tests.e2e.story import Story

SOON = 45
"""Seconds within which a run has come, on a busy machine."""


@pytest.fixture
def own_plane(tmp_path: Path) -> Iterator[ControlPlane]:
    """An API server of this test alone, which nobody else's tests miss."""
    skip_without(API_PROGRAMS, API_REMEDY)
    plane = ControlPlane.start(tmp_path / "plane")
    try:
        install_crds(plane, known_crds())
        plane.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "shop"}})
        yield plane
    finally:
        plane.stop()


@pytest.fixture
def trust(own_plane: ControlPlane, tmp_path: Path) -> Path:
    """The authorities in whom the command trusts: at first in the server's own certificate."""
    return Path(shutil.copy(certificate(own_plane.folder), tmp_path / "ca.crt"))


@pytest.fixture
def admin(own_plane: ControlPlane, trust: Path, tmp_path: Path) -> Story:
    kubeconfig = write_kubeconfig(
        tmp_path / "admin", server=own_plane.server, authority=trust, bearer=token("admin")
    )
    return Story(own_plane, "shop", Account("admin", kubeconfig))


def test_a_rotation_fails_no_run_and_after_a_restore_of_etcd_lists_of_another_time_are_reported(
    own_plane: ControlPlane, trust: Path, admin: Story, tmp_path: Path
) -> None:
    process = Process.start(admin, "--interval", "1s", "-o", "none")
    try:
        the_servers_certificate_is_rotated(own_plane, trust, admin, tmp_path)
    finally:
        process.tell(signal.SIGTERM)
        result = process.ended()
    assert "not trusted" not in result.stderr
    assert "Traceback" not in result.stderr
    admin.clear()
    a_list_of_another_time_is_never_counted_as_deleted(own_plane, admin)


def a_list_of_another_time_is_never_counted_as_deleted(own_plane: ControlPlane, admin: Story) -> None:
    admin.apply("pr-1", replicas=0)
    admin.reconcile()
    etcd, data, kept = Program(own_plane, "etcd"), own_plane.folder / "etcd", own_plane.folder / "kept"
    etcd.stop()
    shutil.copytree(data, kept)
    etcd.start()
    admin.apply("pr-2", replicas=0)
    admin.reconcile()
    admin.orphan("pr-2")
    etcd.stop()
    shutil.rmtree(data)
    shutil.copytree(kept, data)
    etcd.start()
    for _ in range(2):
        result = admin.reconcile(code=1)
        assert "Done: 0 created, 0 updated, 0 deleted, 3 failed." in result.lines
        service = "x Service shop/pr-2 failed: Service shop/pr-2 is listed and does not exist: "
        assert [line for line in result.lines if line.startswith(service)]
    assert not admin.there("Service", "pr-2")
    assert set(admin.all_of("pr-2")) < set(admin.children()), "as the server lists them"


def the_servers_certificate_is_rotated(
    own_plane: ControlPlane, trust: Path, admin: Story, folder: Path
) -> None:
    """Between two previews, each of which a run makes."""
    admin.apply("first", replicas=0)
    eventually(lambda: admin.there("Mapping", "first"), "the first is made", timeout=SOON)
    new, server = make(Sort("the new one"), folder), certificate(own_plane.folder)
    before = trust.read_bytes()
    trust.write_bytes(before + new.trusted.read_bytes())
    api_server = Program(own_plane, "kube-apiserver")
    api_server.stop()
    # It signs tokens with this key too, and reads it for that in one form only.
    command = ("openssl", "pkey", "-traditional", "-in", new.key, "-out", server.with_suffix(".key"))
    subprocess.run(command, check=True)
    server.write_bytes(new.chain.read_bytes() + new.trusted.read_bytes())
    own_plane.close()
    del own_plane.__dict__["_client"]
    api_server.start()
    install_crds(own_plane, known_crds())  # waits until they can be listed again
    trust.write_bytes(new.trusted.read_bytes())
    admin.apply("second", replicas=0)
    eventually(lambda: admin.there("Mapping", "second"), "the second is made", timeout=SOON)


class Program:
    """One program of a control plane, stopped and started under the others."""

    def __init__(self, plane: ControlPlane, name: str) -> None:
        self._plane, self._name = plane, name
        self._command = Path(f"/proc/{self._pid}/cmdline").read_text().split("\0")[1:-1]

    @property
    def _pid(self) -> int:
        return int((self._plane.folder / f"{self._name}.pid").read_text())

    def stop(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)

    def start(self) -> None:
        spawn(self._plane.folder, self._name, self._command)
        time.sleep(1)  # an API server goes on with its old connection to etcd for a moment
        eventually(self._is_ready, "the API server is ready again")

    def _is_ready(self) -> bool:
        with suppress(httpx2.TransportError):
            return self._plane.request("GET", "/readyz").is_success
        return False
