"""Credentials from an exec plugin: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins."""

import base64
import json
import logging
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from reconcile.cluster.kubernetes.kubeconfig import Cluster, Connection, Exec
from reconcile.errors import BadKubeconfig

logger = logging.getLogger(__name__)

VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
CLUSTER_CONFIG = "client.authentication.k8s.io/exec"
LONGEST_WAIT = 60.0
LAST_WORDS = 1.0
LONGEST_COMPLAINT = 200
LONGEST_LINE = 4096


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
        if plugin.interactiveMode == "Always" and not _at_a_terminal():
            raise BadKubeconfig(
                f"{where}: it asks for a terminal (interactiveMode: Always); run it at one, or use a token"
            )
        return cls(plugin, connection.cluster, where)

    def run(self, seconds: float) -> Credential:
        """Run it for at most `seconds`. Raises BadKubeconfig with its complaint.

        As with kubectl, what it writes on stderr is for the person: a device code, a URL to log in at. At a
        terminal it may ask, too, and takes as long as the person does.
        """
        if self._interactive:
            output, code = self._output(seconds, stdin=None, stderr=None)
            complaint = "see above"
        else:
            output, code, complaint = self._overheard(min(seconds, LONGEST_WAIT))
        if code != 0:
            raise BadKubeconfig(f"{self.where}: exit code {code}: {complaint}{self._hint}")
        try:
            answer = _ANSWER.decode(output)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadKubeconfig(f"{self.where}: its answer is no ExecCredential with a status") from error
        if answer.kind != "ExecCredential" or answer.apiVersion != self.exec.apiVersion:
            raise BadKubeconfig(f"{self.where}: its answer is no ExecCredential of {self.exec.apiVersion}")
        return self._checked(answer.status)

    @property
    def _interactive(self) -> bool:
        return self.exec.interactiveMode != "Never" and _at_a_terminal()

    def _overheard(self, wait: float) -> tuple[bytes, int, str]:
        """Its output, its exit code and its last words; all of its words are logged as they come."""
        words: deque[str] = deque(maxlen=1)
        reading, writing = os.pipe()
        # The thread closes what it reads. What the plugin has started may write on after its end.
        listener = threading.Thread(target=self._log, args=(reading, words), daemon=True)
        try:
            listener.start()
        except RuntimeError as error:
            os.close(reading)
            os.close(writing)
            raise BadKubeconfig(f"{self.where}: cannot be run: {error}") from error
        try:
            output, code = self._output(wait, stdin=subprocess.DEVNULL, stderr=writing)
        finally:
            os.close(writing)
        listener.join(LAST_WORDS)
        return output, code, words[-1][:LONGEST_COMPLAINT] if words else "it did not say why"

    def _log(self, reading: int, words: deque[str]) -> None:
        with open(reading, "rb") as pipe:
            while line := pipe.readline(LONGEST_LINE):
                if text := line.decode("utf-8", "replace").strip():
                    words.append(text)
                    logger.warning("%s: %s", self.where, text)

    def _output(self, wait: float, *, stdin: int | None, stderr: int | None) -> tuple[bytes, int]:
        """Its output and its exit code; None is what the command itself has."""
        try:
            process = subprocess.Popen(
                [self.exec.command, *(self.exec.args or ())],
                env=self._environment(),
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                # So that what it starts can be ended with it. At a terminal it has to stay in the foreground.
                start_new_session=stdin is not None,
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise BadKubeconfig(f"{self.where}: cannot be run: {reason}{self._hint}") from error
        try:
            output, _ = process.communicate(timeout=wait)
        except BaseException as error:
            _end(process, its_own_group=stdin is not None)
            if isinstance(error, subprocess.TimeoutExpired):
                raise BadKubeconfig(
                    f"{self.where}: no answer within {wait:.0f} s; run it by hand to see why"
                ) from error
            raise
        return output, process.returncode

    def _environment(self) -> dict[str, str]:
        spec: dict[str, object] = {"interactive": self._interactive}
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
        "disable-compression": cluster.disable_compression,
        "config": next(config, None),
    }
    return {key: value for key, value in info.items() if value}


def _at_a_terminal() -> bool:
    """Whether a person can be asked, and reads it."""
    return os.isatty(0) and os.isatty(2)


def _end(process: subprocess.Popen[bytes], *, its_own_group: bool) -> None:
    """End the plugin and what it has started; what they would still say is not waited for."""
    if its_own_group:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()
