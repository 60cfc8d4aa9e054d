"""Which servers are trusted: the same as by kubectl, on every Python, wherever the command opens TLS.

The tables were tried with kubectl 1.36, which decides each of their rows as it stands there.
"""

import json
import socket
import ssl
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from reconcile.cli.metrics import push
from reconcile.cluster.certificates import as_go_verifies, public_context
from reconcile.cluster.kubernetes.kubeconfig import Cluster, Connection, User, find_connection
from reconcile.cluster.kubernetes.tls import ssl_context
from reconcile.errors import Unreachable
from reconcile.kube.objects import DEPLOYMENT
from reconcile.report.summary import failure
from reconcile.run.probe import probe
from tests.cluster_adapters.authorities import HOST, REFUSED, TAKEN, Made, Sort, authority, make, signed
from tests.cluster_adapters.conftest import connected_by, write_kubeconfig
from tests.cluster_adapters.servers import Server, Start, start
from tests.cluster_adapters.test_adapter_credentials import credential, plugin, program

__all__ = ["start"]

CREATE_DEFAULT_CONTEXT = ssl.create_default_context


@pytest.fixture(autouse=True)
def as_the_strictest_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every default context as strict as it is since Python 3.13, and as it was in another way before."""

    def strict(*arguments: Any, **options: Any) -> ssl.SSLContext:
        context = CREATE_DEFAULT_CONTEXT(*arguments, **options)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        context.verify_flags &= ~ssl.VERIFY_X509_PARTIAL_CHAIN
        return context

    monkeypatch.setattr(ssl, "create_default_context", strict)
    monkeypatch.setattr(ssl, "_create_default_https_context", strict)


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Sort], Made]:
    """The files of a sort, made once."""
    made: dict[str, Made] = {}

    def files(sort: Sort) -> Made:
        if sort.title not in made:
            made[sort.title] = make(sort, tmp_path_factory.mktemp("authority"))
        return made[sort.title]

    return files


# what opens TLS; each returns what it complains of


Client = Callable[[Server, Path, Path, pytest.MonkeyPatch], str]


def listed(folder: Path, server: Server, user: str = "{}", **cluster: Any) -> str:
    address = cluster.pop("address", f"https://127.0.0.1:{server.port}")
    return _listed(write_kubeconfig(folder, address, user, **cluster))


def _listed(kubeconfig: str | None, **env: str) -> str:
    made = connected_by(kubeconfig, env=env)
    try:
        return "" if made.list(DEPLOYMENT).items == () else "not the list"
    except Unreachable as error:
        return str(error)
    finally:
        made.close()


def by_file(server: Server, trusted: Path, folder: Path, _: pytest.MonkeyPatch) -> str:
    return listed(folder, server, certificate_authority=str(trusted))


def by_the_machine(server: Server, trusted: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    return listed(folder, server)


def by_tls_server_name(server: Server, trusted: Path, folder: Path, _: pytest.MonkeyPatch) -> str:
    """By an address that is in none of the certificates."""
    address = f"https://localhost:{server.port}"
    return listed(folder, server, address=address, certificate_authority=str(trusted), tls_server_name=HOST)


def in_a_pod(server: Server, trusted: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (folder / "token").write_text("a-token")
    (folder / "ca.crt").write_bytes(trusted.read_bytes())
    found = partial(find_connection, service_account=folder)
    module = import_module("reconcile.cluster.kubernetes.connect")  # the package has a function of that name
    monkeypatch.setattr(module, "find_connection", found)
    return _listed(None, KUBERNETES_SERVICE_HOST="127.0.0.1", KUBERNETES_SERVICE_PORT=str(server.port))


def by_a_proxy(server: Server, trusted: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    return listed(folder, server, address="http://dev", proxy_url=f"https://127.0.0.1:{server.port}")


def by_probe(server: Server, trusted: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    address = ("127.0.0.1", server.port)
    return probe(f"https://{HOST}", connect=lambda _, seconds: socket.create_connection(address, seconds))


def by_pushgateway(server: Server, trusted: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    warnings: list[str] = []
    monkeypatch.setattr("reconcile.cli.metrics.log.warning", lambda *words: warnings.append(words[-1]))
    push(f"https://127.0.0.1:{server.port}", failure(5, "no connection", 0.5), {})
    return "".join(warnings)


CLIENTS: tuple[Client, ...] = (
    by_file,
    by_the_machine,
    by_tls_server_name,
    in_a_pod,
    by_a_proxy,
    by_probe,
    by_pushgateway,
)


TAKEN_BY_EACH = ("nothing but CA:TRUE", "an intermediate authority alone is trusted")
REFUSED_BY_EACH = ("unknown authority", "wrong name", "expired")


def rows_of(sorts: tuple[Sort, ...], of_each: tuple[str, ...]) -> list[Any]:
    """Each sort by a file of the kubeconfig, and these by each client: they tell whether its context is the same."""
    few = [sort for sort in sorts if sort.title in of_each]
    assert len(few) == len(of_each)
    rows = [(sort, by_file) for sort in sorts] + [(sort, client) for client in CLIENTS for sort in few]
    return [pytest.param(*row, id=f"{row[0].title}-{row[1].__name__}") for row in dict.fromkeys(rows)]


@pytest.mark.parametrize(("sort", "client"), rows_of(TAKEN, TAKEN_BY_EACH))
def test_an_authority_that_kubectl_takes_is_taken(
    start: Start,
    files: Callable[[Sort], Made],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sort: Sort,
    client: Client,
) -> None:
    made = files(sort)
    server = start(made)
    assert client(server, made.trusted, tmp_path, monkeypatch) == ""
    assert len(server.connections) == 1


@pytest.mark.parametrize(("sort", "client"), rows_of(REFUSED, REFUSED_BY_EACH))
def test_what_kubectl_refuses_is_refused_before_anything_is_sent(
    start: Start,
    files: Callable[[Sort], Made],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sort: Sort,
    client: Client,
) -> None:
    made = files(sort)
    server = start(made)
    assert "certificate" in client(server, made.trusted, tmp_path, monkeypatch)
    assert server.connections == []


def test_what_each_client_takes_is_refused_by_a_default_context(
    files: Callable[[Sort], Made], start: Start
) -> None:
    """Else nothing is tested here."""
    for sort in TAKEN:
        if sort.title in TAKEN_BY_EACH:
            assert not _is_taken_strictly(start(files(sort)), files(sort)), sort.title


def _is_taken_strictly(server: Server, made: Made) -> bool:
    context = ssl.create_default_context(cafile=str(made.trusted))
    try:
        with socket.create_connection(("127.0.0.1", server.port)) as plain:
            context.wrap_socket(plain, server_hostname="127.0.0.1").close()
    except ssl.SSLCertVerificationError:
        return False
    return True


def test_insecure_skip_tls_verify_takes_whatever_the_server_shows(
    start: Start, files: Callable[[Sort], Made], tmp_path: Path
) -> None:
    for sort in REFUSED:
        assert listed(tmp_path, start(files(sort)), insecure_skip_tls_verify=True) == ""


@pytest.mark.parametrize("by", ["kubeconfig", "exec plugin"])
def test_a_client_certificate_is_shown_to_a_server_of_an_old_authority(
    start: Start, files: Callable[[Sort], Made], tmp_path: Path, by: str
) -> None:
    old = next(sort for sort in TAKEN if sort.title == "a root of version 1")
    clients = authority(tmp_path)
    certificate = signed(tmp_path, clients)
    key = certificate.with_suffix(".key")
    user = json.dumps({"client-certificate": str(certificate), "client-key": str(key)})
    if by == "exec plugin":
        answer = credential(clientCertificateData=certificate.read_text(), clientKeyData=key.read_text())
        (tmp_path / "answer").write_text(answer)
        user = plugin(program(tmp_path, f"cat {tmp_path}/answer"), interactiveMode="Never")
    server = start(files(old), clients)
    trusted = str(files(old).trusted)
    assert listed(tmp_path, server, certificate_authority=trusted) != "", "it lets nobody in without one"
    assert listed(tmp_path, server, user, certificate_authority=trusted) == ""
    unknown = next(sort for sort in REFUSED if sort.title == "unknown authority")
    other, trusted = start(files(unknown), clients), str(files(unknown).trusted)
    assert "certificate is not trusted" in listed(tmp_path, other, user, certificate_authority=trusted)


def test_nothing_but_the_strictness_is_taken_from_a_context() -> None:
    before, after = ssl.create_default_context(), as_go_verifies(ssl.create_default_context())
    assert before.verify_flags ^ after.verify_flags == ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    assert (after.check_hostname, after.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert public_context().verify_flags == after.verify_flags


def test_the_protocols_of_a_shared_context_are_set_once() -> None:
    """A connection that sets them again would do so under the handshakes of other threads."""
    context = ssl_context(Connection("dev", "kubeconfig", Cluster(insecure=True), User()))
    context.set_alpn_protocols(["h2"])
    outgoing = ssl.MemoryBIO()
    connection = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="dev")
    try:
        connection.do_handshake()
    except ssl.SSLWantReadError:
        hello = outgoing.read()
    assert b"\x08http/1.1" in hello
    assert b"\x02h2" not in hello
