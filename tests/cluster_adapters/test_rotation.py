"""Certificates, tokens and kubeconfigs that change while the command runs, before a server that changes too."""

import base64
import contextlib
import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from reconcile.cluster.kubernetes import KubernetesCluster, connect
from reconcile.cluster.kubernetes.kubeconfig import find_connection
from reconcile.cluster.kubernetes.retry import Pacing
from reconcile.errors import Unauthorized, Unreachable
from reconcile.kube.objects import DEPLOYMENT
from tests.cluster_adapters.authorities import Made, Sort, authority, make, signed
from tests.cluster_adapters.test_adapter_credentials import credential, plugin, program

EMPTY_LIST = json.dumps({"metadata": {"resourceVersion": "7"}, "items": []}).encode()
UNKNOWN = json.dumps({"kind": "Status", "code": 401, "reason": "Unauthorized"}).encode()


class Server(ThreadingHTTPServer):
    """An API server that keeps connections open, and shows and asks what it is told at each handshake."""

    def __init__(self, made: Made, clients: Path | None = None) -> None:
        self.connections: list[int] = []
        """The client's port of each request."""
        self.open: set[Any] = set()
        self.token = ""
        self.hold = threading.Event()
        self.hold.set()
        self.show(made, clients)
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                server.open.add(self.request)

            def finish(self) -> None:
                server.open.discard(self.request)
                super().finish()

            def do_GET(self) -> None:
                server.connections.append(self.client_address[1])
                server.hold.wait(20)
                known = self.headers.get("Authorization") in (None, f"Bearer {server.token}")
                body = EMPTY_LIST if known else UNKNOWN
                self.send_response(200 if known else 401)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing: stderr is the command's."""

        super().__init__(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def show(self, made: Made, clients: Path | None = None) -> None:
        """The certificate from now on, and whose clients are let in; ends what was agreed before."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(made.chain, made.key)
        if clients:
            context.load_verify_locations(clients)
            context.verify_mode = ssl.CERT_REQUIRED
        self.context = context
        for connection in tuple(self.open):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def get_request(self) -> Any:
        plain, address = super().get_request()
        return self.context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a client that trusts it not."""


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

    def kubeconfig(self, cluster: dict[str, Any] | None = None, user: str = "{}", **more: Any) -> Path:
        entry = {"certificate-authority": "ca.crt"} if cluster is None else cluster
        server = {"server": f"https://127.0.0.1:{self.server.server_port}", **entry}
        text = (
            f"current-context: {more.get('current', 'test')}\n"
            "contexts: [{name: test, context: {cluster: test, user: test}},"
            " {name: other, context: {cluster: other, user: test}}]\n"
            f"clusters: [{{name: test, cluster: {json.dumps(server)}}},"
            " {name: other, cluster: {server: 'https://127.0.0.1:1'}}]\n"
            f"users: [{{name: test, user: {user}}}]\n"
        )
        (self.folder / "kubeconfig").write_text(text)
        return self.folder / "kubeconfig"

    def connect(self, kubeconfig: Path | None, env: dict[str, str] | None = None) -> KubernetesCluster:
        made = connect(
            str(kubeconfig) if kubeconfig else None,
            None,
            deadline_seconds=20,
            concurrency=4,
            user_agent="t",
            env=env or {},
            pacing=Pacing(jitter=lambda: 0.0),
        )
        self.clusters.append(made)
        return made


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
    world.server.shutdown()
    world.server.server_close()
    world.server.thread.join()


def listed(cluster: KubernetesCluster) -> bool:
    return cluster.list(DEPLOYMENT).items == ()


def by_file(world: World, monkeypatch: pytest.MonkeyPatch) -> tuple[KubernetesCluster, Callable[..., None]]:
    return world.connect(world.kubeconfig()), world.trust


def by_data(world: World, monkeypatch: pytest.MonkeyPatch) -> tuple[KubernetesCluster, Callable[..., None]]:
    def trust(*made: Made) -> None:
        world.trust(*made)
        world.kubeconfig({"certificate-authority-data": base64.b64encode(world.ca.read_bytes()).decode()})

    trust(world.old)
    return world.connect(world.folder / "kubeconfig"), trust


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
    port = str(world.server.server_port)
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
    cluster = world.connect(world.folder / "kubeconfig")
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
        {"cluster": {"certificate-authority": "ca.crt", "server": "https://127.0.0.1:1"}},
        {"cluster": {"insecure-skip-tls-verify": True}},
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
    content = world.kubeconfig({"certificate-authority-data": data}).read_bytes()
    reading, writing = os.pipe()
    with open(writing, "wb") as pipe:
        pipe.write(content)
    cluster = world.connect(Path(f"/dev/fd/{reading}"))
    assert listed(cluster)
    assert listed(cluster)
    os.close(reading)
