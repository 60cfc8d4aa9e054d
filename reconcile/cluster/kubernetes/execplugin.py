"""Credentials from an exec plugin: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins."""

import base64
import json
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from reconcile.cluster.kubernetes.kubeconfig import Connection
from reconcile.cluster.kubernetes.kubeconfig_models import Cluster, Exec
from reconcile.errors import BadKubeconfig

VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
CLUSTER_CONFIG = "client.authentication.k8s.io/exec"
LONGEST_WAIT = 60.0
LONGEST_COMPLAINT = 200


class Credential(msgspec.Struct):
    """What a plugin answers: a token, or a client certificate with its key, or both."""

    token: str | None = None
    clientCertificateData: str | None = None
    clientKeyData: str | None = None


class _Answer(msgspec.Struct):
    apiVersion: str
    kind: str
    status: Credential


_ANSWER = msgspec.json.Decoder(_Answer)


@dataclass(frozen=True)
class Plugin:
    """An exec plugin, ready to run, with what its errors say."""

    exec: Exec
    cluster: Cluster
    where: str

    @classmethod
    def of(cls, connection: Connection) -> "Plugin | None":
        """The connection's plugin. Raises BadKubeconfig for one that cannot be run here."""
        plugin = connection.user.exec
        if plugin is None:
            return None
        where = f"{connection.source}: exec plugin {plugin.command}"
        if plugin.apiVersion not in VERSIONS:
            raise BadKubeconfig(
                f"{where}: its apiVersion must be one of {', '.join(VERSIONS)}; update the plugin"
            )
        if plugin.interactiveMode == "Always":
            raise BadKubeconfig(
                f"{where}: it asks for a terminal (interactiveMode: Always); use a token instead"
            )
        return cls(plugin, connection.cluster, where)

    def run(self, seconds: float) -> Credential:
        """Run it, without a terminal, for at most `seconds`. Raises BadKubeconfig with its complaint."""
        wait = min(seconds, LONGEST_WAIT)
        output, complaint, code = self._output(wait)
        if code != 0:
            raise BadKubeconfig(f"{self.where}: exit code {code}: {_last_line(complaint)}{self._hint}")
        try:
            answer = _ANSWER.decode(output)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadKubeconfig(f"{self.where}: its answer is no ExecCredential with a status") from error
        if answer.kind != "ExecCredential" or answer.apiVersion != self.exec.apiVersion:
            raise BadKubeconfig(f"{self.where}: its answer is no ExecCredential of {self.exec.apiVersion}")
        return self._checked(answer.status)

    def _output(self, wait: float) -> tuple[bytes, bytes, int]:
        try:
            process = subprocess.Popen(
                [self.exec.command, *(self.exec.args or ())],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # so that what it starts can be ended with it
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise BadKubeconfig(f"{self.where}: cannot be run: {reason}{self._hint}") from error
        try:
            output, complaint = process.communicate(timeout=wait)
        except BaseException as error:
            _end(process)
            if isinstance(error, subprocess.TimeoutExpired):
                raise BadKubeconfig(
                    f"{self.where}: no answer within {wait:.0f} s; run it by hand to see why"
                ) from error
            raise
        return output, complaint, process.returncode

    def _environment(self) -> dict[str, str]:
        spec: dict[str, object] = {"interactive": False}
        if self.exec.provideClusterInfo:
            spec["cluster"] = _cluster_info(self.cluster, self.where)
        info = {"apiVersion": self.exec.apiVersion, "kind": "ExecCredential", "spec": spec}
        variables = {variable.name: variable.value for variable in self.exec.env or ()}
        return {**os.environ, **variables, "KUBERNETES_EXEC_INFO": json.dumps(info)}

    def _checked(self, credential: Credential) -> Credential:
        if bool(credential.clientCertificateData) != bool(credential.clientKeyData):
            raise BadKubeconfig(f"{self.where}: it gave a client certificate or a key, but not both")
        if not credential.token and not credential.clientCertificateData:
            raise BadKubeconfig(f"{self.where}: it gave neither a token nor a client certificate{self._hint}")
        return credential

    @property
    def _hint(self) -> str:
        hint = " ".join((self.exec.installHint or "").split())
        return f"; {hint}" if hint else ""


def _cluster_info(cluster: Cluster, where: str) -> Mapping[str, object]:
    """The cluster, as a plugin with `provideClusterInfo` wants to know it; without what is not set."""
    authority = cluster.certificate_auth_data
    if cluster.certificate_auth and not authority:
        try:
            authority = base64.b64encode(Path(cluster.certificate_auth).read_bytes()).decode()
        except OSError as error:
            raise BadKubeconfig(f"{where}: {cluster.certificate_auth}: {error.strerror}") from error
    config = (entry.extension for entry in cluster.extensions or () if entry.name == CLUSTER_CONFIG)
    info = {
        "server": cluster.server,
        "tls-server-name": cluster.tls_server_name,
        "insecure-skip-tls-verify": cluster.insecure,
        "certificate-authority-data": authority,
        "proxy-url": cluster.proxy_url,
        "config": next(config, None),
    }
    return {key: value for key, value in info.items() if value}


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the plugin and what it has started; what they would still say is not waited for."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe:
            pipe.close()


def _last_line(complaint: bytes) -> str:
    lines = complaint.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip()[:LONGEST_COMPLAINT] if lines else "it did not say why"
