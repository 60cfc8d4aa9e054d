"""Certificates, tokens and kubeconfigs that change while the command runs, before a server that changes too."""

import base64
import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from reconcile.cluster.kubernetes import KubernetesCluster
from reconcile.cluster.kubernetes.kubeconfig import find_connection
from reconcile.errors import Unauthorized, Unreachable
from reconcile.kube.objects import DEPLOYMENT
from tests.cluster_adapters.authorities import Made, Sort, authority, make, signed
from tests.cluster_adapters.conftest import connected_by, write_kubeconfig
from tests.cluster_adapters.servers import Server
from tests.cluster_adapters.test_adapter_credentials import credential, plugin, program


@dataclass
class World:
    """Two authorities with a server's certificate each, and a server that shows the first."""

    folder: Path
    old: Made
    new: Made
    server: Server
    clusters: list[KubernetesCluster] = field(default_factory=list)

    @property
    def ca(self) -> Path:
        return self.folder / "ca.crt"

    def trust(self, *made: Made) -> None:
        self.ca.write_bytes(b"".join(one.trusted.read_bytes() for one in made))

    def kubeconfig(self, cluster: dict[str, Any] | None = None, user: str = "{}", **more: Any) -> str:
        fields = {"certificate_authority": "ca.crt"} if cluster is None else cluster
        server = {"server": f"https://127.0.0.1:{self.server.port}"}
        return write_kubeconfig(self.folder, user=user, **{**server, **fields, **more})

    def connect(self, kubeconfig: str | None, env: dict[str, str] | None = None) -> KubernetesCluster:
        self.clusters.append(connected_by(kubeconfig, env=env))
        return self.clusters[-1]


@pytest.fixture(scope="session")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, Made]:
    old, new = (make(Sort(name), tmp_path_factory.mktemp(name)) for name in ("old", "new"))
    return old, new


@pytest.fixture
def world(tmp_path: Path, two: tuple[Made, Made]) -> Iterator[World]:
    world = World(tmp_path, *two, Server(two[0]))
    world.trust(world.old)
    yield world
    world.server.hold.set()
    for cluster in world.clusters:
        cluster.close()
    world.server.close()


def listed(cluster: KubernetesCluster) -> bool:
    return cluster.list(DEPLOYMENT).items == ()


def by_file(world: World, monkeypatch: pytest.MonkeyPatch) -> tuple[KubernetesCluster, Callable[..., None]]:
    return world.connect(world.kubeconfig()), world.trust


def by_data(world: World, monkeypatch: pytest.MonkeyPatch) -> tuple[KubernetesCluster, Callable[..., None]]:
    def trust(*made: Made) -> None:
        world.trust(*made)
        world.kubeconfig({"certificate_authority_data": base64.b64encode(world.ca.read_bytes()).decode()})

    trust(world.old)
    return world.connect(str(world.folder / "kubeconfig")), trust


def by_the_machine(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> tuple[KubernetesCluster, Callable[..., None]]:
    monkeypatch.setenv("SSL_CERT_FILE", str(world.ca))
    return world.connect(world.kubeconfig({})), world.trust


def in_a_pod(world: World, monkeypatch: pytest.MonkeyPatch) -> tuple[KubernetesCluster, Callable[..., None]]:
    """As the kubelet writes them: each time into a new folder, to which a link is put over."""
    mount = world.folder / "mount"
    mount.mkdir()

    def trust(*made: Made) -> None:
        world.trust(*made)
        folder = mount / f"..{time.monotonic_ns()}"
        folder.mkdir()
        (folder / "ca.crt").write_bytes(world.ca.read_bytes())
        (folder / "token").write_text("a-token")
        (mount / "..new").symlink_to(folder.name)
        os.replace(mount / "..new", mount / "..data")

    for name in ("ca.crt", "token"):
        (mount / name).symlink_to(f"..data/{name}")
    trust(world.old)
    world.server.token = "a-token"
    module = import_module("reconcile.cluster.kubernetes.connect")
    monkeypatch.setattr(module, "find_connection", partial(find_connection, service_account=mount))
    port = str(world.server.port)
    env = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": port}
    return world.connect(None, env), trust


@pytest.mark.parametrize("way", [by_file, by_data, by_the_machine, in_a_pod], ids=lambda way: way.__name__)
def test_an_authority_is_rotated_under_a_command_that_runs_on(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    way: Callable[..., tuple[KubernetesCluster, Callable[..., None]]],
) -> None:
    cluster, trust = way(world, monkeypatch)
    assert listed(cluster)
    trust(world.old, world.new)
    assert listed(cluster)
    world.server.show(world.new)
    trust(world.new)
    assert listed(cluster)
    world.server.show(world.old)
    trust(world.new, world.new)
    with pytest.raises(Unreachable, match="certificate is not trusted"):
        listed(cluster)


def test_connections_last_as_long_as_their_certificates(world: World) -> None:
    cluster = world.connect(world.kubeconfig())
    assert listed(cluster)
    assert listed(cluster)
    world.trust(world.old, world.new)
    assert listed(cluster)
    assert listed(cluster)
    first, second, third, fourth = world.server.connections
    assert first == second != third == fourth
    until = time.monotonic() + 5
    while len(world.server.open) > 1 and time.monotonic() < until:
        time.sleep(0.01)
    assert len(world.server.open) == 1, "nobody keeps those of the authority before"


def test_a_request_under_way_keeps_its_connection(world: World) -> None:
    cluster = world.connect(world.kubeconfig())
    world.server.hold.clear()
    with ThreadPoolExecutor(2) as pool:
        before = pool.submit(listed, cluster)
        while not world.server.connections:
            time.sleep(0.01)
        world.trust(world.old, world.new)
        after = pool.submit(listed, cluster)
        while len(world.server.connections) < 2:
            time.sleep(0.01)
        world.server.hold.set()
        assert before.result()
        assert after.result()
    assert len(world.server.connections) == 2, "neither was sent twice"


def client(folder: Path) -> tuple[Path, Path]:
    """An authority of clients, and a client of it."""
    folder.mkdir()
    of = authority(folder)
    return of, signed(folder, of)


@pytest.mark.parametrize("by", ["files", "data", "exec plugin"])
def test_a_client_certificate_is_renewed_under_a_command_that_runs_on(world: World, by: str) -> None:
    def use(certificate: Path) -> None:
        key = certificate.with_suffix(".key")
        if by == "files":
            (world.folder / "client.crt").write_bytes(certificate.read_bytes())
            (world.folder / "client.key").write_bytes(key.read_bytes())
        elif by == "data":
            pair = {"client-certificate-data": certificate, "client-key-data": key}
            user = {name: base64.b64encode(path.read_bytes()).decode() for name, path in pair.items()}
            world.kubeconfig(user=json.dumps(user))
        else:
            data = {"clientCertificateData": certificate, "clientKeyData": key}
            answer = credential(**{name: path.read_text() for name, path in data.items()})
            (world.folder / "answer").write_text(answer)

    (old, first), (new, second) = client(world.folder / "c1"), client(world.folder / "c2")
    world.server.show(world.old, old)
    world.kubeconfig(user=json.dumps({"client-certificate": "client.crt", "client-key": "client.key"}))
    if by == "exec plugin":
        world.kubeconfig(user=plugin(program(world.folder, f"cat {world.folder}/answer")))
    use(first)
    cluster = world.connect(str(world.folder / "kubeconfig"))
    assert listed(cluster)
    if (
        by == "exec plugin"
    ):  # it is asked again when it is refused; meanwhile its certificate outlives a rotation
        world.trust(world.new)
        world.server.show(world.new, old)
    else:
        use(second)
        world.server.show(world.old, new)
    assert listed(cluster)


def test_half_a_pair_is_waited_for(world: World, caplog: pytest.LogCaptureFixture) -> None:
    (old, first), (_, second) = client(world.folder / "c1"), client(world.folder / "c2")
    world.server.show(world.old, old)
    files = {"client-certificate": "client.crt", "client-key": "client.key"}
    kubeconfig = world.kubeconfig(user=json.dumps(files))
    (world.folder / "client.crt").write_bytes(first.read_bytes())
    (world.folder / "client.key").write_bytes(first.with_suffix(".key").read_bytes())
    cluster = world.connect(kubeconfig)
    assert listed(cluster)
    (world.folder / "client.crt").write_bytes(second.read_bytes())
    for _ in range(3):
        assert listed(cluster), "what was read before counts on"
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        f"kubeconfig {kubeconfig}: the client certificate is no PEM, or does not fit its key; "
        "what was read before counts on"
    ]
    (world.folder / "client.key").write_bytes(second.with_suffix(".key").read_bytes())
    world.server.show(world.old, world.folder / "c2" / "root.pem")
    assert listed(cluster)


@pytest.mark.parametrize("name", ["ca.crt", "kubeconfig"])
def test_a_file_that_is_gone_for_a_moment_is_waited_for(world: World, name: str) -> None:
    cluster = world.connect(world.kubeconfig())
    assert listed(cluster)
    (world.folder / name).unlink()
    assert listed(cluster)
    (world.folder / name).write_bytes(b"%")
    assert listed(cluster)
    world.kubeconfig()
    world.trust(world.new)
    world.server.show(world.new)
    assert listed(cluster)


def test_a_token_of_the_kubeconfig_is_read_again(world: World) -> None:
    cluster = world.connect(world.kubeconfig(user="{token: one}"))
    world.server.token = "two"
    with pytest.raises(Unauthorized):
        listed(cluster)
    world.kubeconfig(user="{token: two}")
    assert listed(cluster)


@pytest.mark.parametrize(
    "changed",
    [
        {"cluster": {"certificate_authority": "ca.crt", "server": "https://127.0.0.1:1"}},
        {"cluster": {"insecure_skip_tls_verify": True}},
        {"user": "{token: two, as: somebody}"},
    ],
    ids=["another server", "no verification", "somebody else"],
)
def test_a_kubeconfig_leads_to_the_same_server_for_as_long_as_the_command_runs(
    world: World, caplog: pytest.LogCaptureFixture, changed: dict[str, Any]
) -> None:
    world.server.token = "one"
    cluster = world.connect(world.kubeconfig(user="{token: one}"))
    assert listed(cluster)
    kubeconfig = world.kubeconfig(**{"user": "{token: two}", **changed})
    assert listed(cluster)
    assert listed(cluster)
    assert [record.getMessage() for record in caplog.records] == [
        f"kubeconfig {kubeconfig} has changed in more than certificates and tokens, "
        "which counts from the next start on; restart the command"
    ]


def test_the_context_that_was_chosen_stays_chosen(world: World) -> None:
    cluster = world.connect(world.kubeconfig(user="{token: one}"))
    world.server.token = "two"
    world.kubeconfig(user="{token: two}", current="other")
    assert listed(cluster)


def test_a_kubeconfig_that_can_be_read_once_is_read_once(world: World) -> None:
    data = base64.b64encode(world.ca.read_bytes()).decode()
    content = Path(world.kubeconfig({"certificate_authority_data": data})).read_bytes()
    reading, writing = os.pipe()
    with open(writing, "wb") as pipe:
        pipe.write(content)
    cluster = world.connect(f"/dev/fd/{reading}")
    assert listed(cluster)
    assert listed(cluster)
    os.close(reading)
