"""Certificates and tokens of the runs, and their rotation.

The runs reach the API server by a name of its own, `api.preview.test`, with a certificate that nobody else is shown:
it can be replaced without the kubelet and the controllers. `prepare` makes everything before the API server starts.
"""

import os
from pathlib import Path

import yaml

from tests.controlplane import AskFailed
from tests.node import certificates
from tests.node.certificates import Certificate
from tests.proofs.chaos.api import Api, NoAnswer

HOST = "api.preview.test"
HOME = "chaos"
"""The namespace of the runs' accounts."""
BY_CERTIFICATE = "run-a"
BY_TOKEN = ("run-b", "run-c")
RUNS = (BY_CERTIFICATE, *BY_TOKEN)


def user_of(run: str) -> str:
    """As whom the API server knows a run."""
    return run if run == BY_CERTIFICATE else f"system:serviceaccount:{HOME}:{run}"


class Credentials:
    """All files of one campaign. Which authorities are in force is known to the process that rotates them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._servers = folder / "servers-1"
        self._clients = folder / "clients-1"
        self._made = 1
        self._tokens: dict[str, int] = dict.fromkeys(BY_TOKEN, 0)

    @property
    def flags(self) -> tuple[str, ...]:
        """What the API server is started with."""
        server = self.folder / "server"
        return (
            f"--client-ca-file={self._trusted_clients}",
            f"--tls-sni-cert-key={server / 'tls.crt'},{server / 'tls.key'}:{HOST}",
        )

    def kubeconfig(self, run: str) -> Path:
        return self.folder / run / "kubeconfig"

    def prepare(self) -> None:
        """Two authorities, the server's certificate, and a kubeconfig for each run."""
        for run in RUNS:
            (self.folder / run).mkdir(parents=True)
            self._write_kubeconfig(run)
        _replace(self._trusted_servers, _authority(self._servers).certificate.read_text())
        _replace(self._trusted_clients, _authority(self._clients).certificate.read_text())
        self.renew_server()
        self.renew_client()

    def renew_server(self) -> None:
        """A new certificate of the same authority, by the API server's file."""
        self._sign(self._servers, HOST, self.folder / "server")

    def renew_client(self) -> None:
        """A new certificate and key in the files of the run; the old one is still good."""
        self._sign(self._clients, BY_CERTIFICATE, self.folder / BY_CERTIFICATE)

    def replace_servers_authority(self) -> None:
        """By the book: the runs' file has both authorities before the server shows a certificate of the new one."""
        old, new = self._servers, self._next("servers")
        made = _authority(new).certificate.read_text()
        _replace(self._trusted_servers, (old / "ca.crt").read_text() + made)
        self._servers = new
        self.renew_server()
        _replace(self._trusted_servers, made)

    def replace_clients_authority(self) -> None:
        """The same for the run that shows a certificate: the old one is refused in the end."""
        old, new = self._clients, self._next("clients")
        made = _authority(new).certificate.read_text()
        _replace(self._trusted_clients, (old / "ca.crt").read_text() + made)
        self._clients = new
        self.renew_client()
        _replace(self._trusted_clients, made)

    def replace_token(self, api: Api, run: str) -> None:
        """A new token in the run's file, and the old one is good no longer: the Secret that it is bound to goes."""
        number = self._tokens[run] + 1
        name, old = f"{run}-{number}", f"{run}-{number - 1}"
        secret = api.ask("POST", f"/api/v1/namespaces/{HOME}/secrets", {"metadata": {"name": name}})
        bound = {"apiVersion": "v1", "kind": "Secret", "name": name, "uid": secret["metadata"]["uid"]}
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
        answer = api.ask(
            "POST",
            f"/api/v1/namespaces/{HOME}/serviceaccounts/{run}/token",
            {**request, "spec": {"boundObjectRef": bound}},
        )
        _replace(self.folder / run / "token", answer["status"]["token"])
        self._tokens[run] = number
        if api.found(f"/api/v1/namespaces/{HOME}/secrets/{old}"):
            api.ask("DELETE", f"/api/v1/namespaces/{HOME}/secrets/{old}")

    def mend_tokens(self, api: Api) -> None:
        """After etcd was put back, or a request got no answer: tokens whose Secrets are there."""
        for run in BY_TOKEN:
            while True:
                try:
                    self.replace_token(api, run)
                    break
                except (AskFailed, NoAnswer):
                    self._tokens[run] += 1

    @property
    def _trusted_servers(self) -> Path:
        return self.folder / "trusted-servers.crt"

    @property
    def _trusted_clients(self) -> Path:
        return self.folder / "trusted-clients.crt"

    def _next(self, what: str) -> Path:
        self._made += 1
        return self.folder / f"{what}-{self._made}"

    def _sign(self, authority: Path, name: str, into: Path) -> None:
        by = Certificate(authority / "ca.crt", authority / "ca.key")
        fresh = into / "fresh"
        fresh.mkdir(parents=True, exist_ok=True)
        certificates.signed(by, name, fresh)
        for file in ("tls.key", "tls.crt"):
            os.replace(fresh / file, into / file)

    def _write_kubeconfig(self, run: str) -> None:
        home = self.folder / run
        shown = (
            {"client-certificate": str(home / "tls.crt"), "client-key": str(home / "tls.key")}
            if run == BY_CERTIFICATE
            else {"tokenFile": str(home / "token")}
        )
        cluster = {"server": f"https://{HOST}:6443", "certificate-authority": str(self._trusted_servers)}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "node", "cluster": cluster}],
            "users": [{"name": run, "user": shown}],
            "contexts": [{"name": run, "context": {"cluster": "node", "user": run}}],
            "current-context": run,
        }
        self.kubeconfig(run).write_text(yaml.safe_dump(content))


def _authority(folder: Path) -> Certificate:
    folder.mkdir(parents=True)
    return certificates.authority(folder)


def _replace(file: Path, content: str) -> None:
    """As whole as a kubelet replaces a projected file."""
    fresh = file.with_suffix(".new")
    fresh.write_text(content)
    os.replace(fresh, file)
