"""Which cluster, and as whom: from kubeconfig files, merged as kubectl does, or from the pod we run in.

lightkube's `KubeConfig.from_dict` reads one file, and all of it: an old entry that nobody chose, a null or a
missing section ends it in an error of Python. Its models, which are the base of ours, leave out
tls-server-name, proxy-url, impersonation and half of `exec`.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml
from lightkube.config import models

from reconcile.errors import BadKubeconfig

T = TypeVar("T")


class Exec(models.UserExec):
    """A program that prints credentials: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/#ExecConfig."""

    provideClusterInfo: bool = False
    interactiveMode: str = "IfAvailable"


class Context(msgspec.Struct):
    """Which cluster, as which user, and where what names no namespace is."""

    cluster: str = ""
    user: str = ""
    namespace: str = ""


class Extension(msgspec.Struct):
    """What a cluster entry carries for an exec plugin, among others."""

    name: str = ""
    extension: Any = None


class Cluster(models.Cluster):
    """lightkube's cluster, with what it leaves out."""

    server: str = ""
    tls_server_name: str | None = msgspec.field(name="tls-server-name", default=None)
    proxy_url: str | None = msgspec.field(name="proxy-url", default=None)
    disable_compression: bool = msgspec.field(name="disable-compression", default=False)
    extensions: list[Extension] | None = None


class User(models.User):
    """lightkube's user, with what it leaves out."""

    exec: Exec | None = None
    impersonate: str | None = msgspec.field(name="as", default=None)
    impersonate_uid: str | None = msgspec.field(name="as-uid", default=None)
    impersonate_groups: list[str] | None = msgspec.field(name="as-groups", default=None)
    impersonate_extra: dict[str, list[str]] | None = msgspec.field(name="as-user-extra", default=None)


def convert(raw: object, shape: type[T], where: str) -> T:
    """`raw`, as YAML gave it, in its shape. Raises BadKubeconfig with `where` and the field, no value."""
    if not isinstance(raw, Mapping):
        raise BadKubeconfig(f"{where} has no fields; correct it, or choose another with --context")
    try:
        return msgspec.convert(_without_nulls(raw), shape)
    except msgspec.ValidationError as error:
        raise BadKubeconfig(f"{where}: {error}; correct it, or choose another with --context") from error
    except UnicodeError:
        raise BadKubeconfig(
            f"{where}: a text in it is no Unicode; correct it, or choose another with --context"
        ) from None


def _without_nulls(raw: Mapping[Any, Any], levels: int = 2) -> dict[str, Any]:
    """Without the nulls, which mean "not set" to kubectl, as deep as the shapes go: an alias has no end."""
    return {
        str(key): _without_nulls(value, levels - 1) if levels > 1 and isinstance(value, Mapping) else value
        for key, value in raw.items()
        if value is not None
    }


SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
OTHERWISE = "correct the file, or choose another with --kubeconfig"


@dataclass(frozen=True)
class Connection:
    """Where the API server is, and who we are there. Every path in it is absolute.

    `namespace` is that of the context, "" where it has none. `files` are the kubeconfigs, and `context`
    what was chosen in them; None in a pod.
    """

    title: str
    source: str
    cluster: Cluster
    user: User
    namespace: str = ""
    files: tuple[str, ...] = ()
    context: str | None = None


def find_connection(
    kubeconfig: str | None,
    context: str | None,
    env: Mapping[str, str] = os.environ,
    service_account: Path = SERVICE_ACCOUNT,
) -> Connection:
    """What the user says, then KUBECONFIG, then ~/.kube/config, then the pod's service account.

    Raises BadKubeconfig with a sentence that names the file and the remedy.
    """
    files = _files(kubeconfig, env)
    if files:
        return _choose(_merge(files), context)
    if context:
        raise BadKubeconfig(f"--context {context}: there is no kubeconfig; give one with --kubeconfig")
    if not env.get("KUBERNETES_SERVICE_HOST") or not env.get("KUBERNETES_SERVICE_PORT"):
        raise BadKubeconfig(
            "no cluster: neither --kubeconfig nor KUBECONFIG is given, there is no ~/.kube/config, "
            "and this is no pod; give --kubeconfig, or --from for a folder of manifests"
        )
    return _in_cluster(env, service_account)


def context_names(kubeconfig: str | None, env: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The contexts to choose from, sorted. Raises BadKubeconfig."""
    return tuple(sorted(_merge(_files(kubeconfig, env)).contexts))


def _files(kubeconfig: str | None, env: Mapping[str, str]) -> tuple[Path, ...]:
    """The files to read; none where only the default was asked for and is not there."""
    if kubeconfig:
        return (Path(kubeconfig),)
    if env.get("KUBECONFIG"):
        named = [Path(part) for part in env["KUBECONFIG"].split(os.pathsep) if part]
        there = tuple(path for path in named if os.path.exists(path))
        if not there:
            raise BadKubeconfig(
                f"KUBECONFIG={env['KUBECONFIG']}: no such file; correct the variable, or give --kubeconfig"
            )
        return there
    default = Path(env.get("HOME") or "/nonexistent", ".kube", "config")
    return (default,) if os.path.exists(default) else ()


@dataclass(frozen=True)
class _Entry:
    """One named entry, and the file that it stands in, which its relative paths start from."""

    raw: Any
    file: Path

    def resolve(self, path: str | None) -> str | None:
        return str(Path(os.path.abspath(self.file)).parent / path) if path else None


@dataclass(frozen=True)
class _Merged:
    """The files as one: of two entries with one name the first counts, whole."""

    paths: tuple[Path, ...]
    current: str
    contexts: Mapping[str, _Entry]
    clusters: Mapping[str, _Entry]
    users: Mapping[str, _Entry]

    @property
    def files(self) -> str:
        return ", ".join(map(str, self.paths))


def _merge(files: Iterable[Path]) -> _Merged:
    documents = [(file, _read(file)) for file in files]

    def named(section: str, key: str) -> dict[str, _Entry]:
        entries: dict[str, _Entry] = {}
        for file, document in documents:
            for name, raw in _entries(document, file, section, key):
                entries.setdefault(name, _Entry(raw, file))
        return entries

    current = (_current(document, file) for file, document in documents)
    return _Merged(
        paths=tuple(file for file, _ in documents),
        current=next((name for name in current if name), ""),
        contexts=named("contexts", "context"),
        clusters=named("clusters", "cluster"),
        users=named("users", "user"),
    )


# PyYAML leaves it to Python to say that a value is not what its tag says, such as `!!bool x`.
_NO_YAML = (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, RecursionError)


def _read(file: Path) -> Mapping[str, Any]:
    """One file's document; a message never quotes the file, since it holds secrets."""
    try:
        document = yaml.safe_load(file.read_bytes())
    except OSError as error:
        raise BadKubeconfig(f"kubeconfig {file}: {error.strerror}; give another with --kubeconfig") from error
    except _NO_YAML as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        raise BadKubeconfig(f"kubeconfig {file}{place}: this is no YAML; {OTHERWISE}") from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise BadKubeconfig(f"kubeconfig {file}: this is no kubeconfig (no mapping at the top); {OTHERWISE}")
    return document


def _current(document: Mapping[str, Any], file: Path) -> str:
    name = document.get("current-context") or ""
    if isinstance(name, list | dict):
        raise BadKubeconfig(f"kubeconfig {file}: current-context is no name; {OTHERWISE}")
    return str(name)


def _entries(document: Mapping[str, Any], file: Path, section: str, key: str) -> Iterable[tuple[str, object]]:
    entries = document.get(section)
    if entries is None:
        return
    if not isinstance(entries, list):
        raise BadKubeconfig(f"kubeconfig {file}: {section} is no list; {OTHERWISE}")
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise BadKubeconfig(f"kubeconfig {file}: {section}[{number}] has no name; {OTHERWISE}")
        yield entry["name"], {} if entry.get(key) is None else entry[key]


def _choose(merged: _Merged, asked: str | None) -> Connection:
    name = asked or merged.current
    if not name:
        raise BadKubeconfig(
            f"kubeconfig {merged.files}: no current-context; give --context: {_names(merged.contexts)}"
        )
    entry = _entry(merged, merged.contexts, "context", name)
    context = convert(entry.raw, Context, f'kubeconfig {entry.file}: context "{name}"')
    if not context.cluster:
        raise BadKubeconfig(f'kubeconfig {entry.file}: context "{name}" names no cluster; {OTHERWISE}')
    cluster = _cluster(_entry(merged, merged.clusters, "cluster", context.cluster), context.cluster)
    user = _user(_entry(merged, merged.users, "user", context.user), context.user) if context.user else User()
    source, files = f"kubeconfig {merged.files}", tuple(map(str, merged.paths))
    return Connection(f"context {name}", source, cluster, user, context.namespace, files, name)


def _entry(merged: _Merged, entries: Mapping[str, _Entry], what: str, name: str) -> _Entry:
    if name not in entries:
        remedy = "choose one with --context" if what == "context" else OTHERWISE
        raise BadKubeconfig(
            f'kubeconfig {merged.files}: there is no {what} "{name}", only: {_names(entries)}; {remedy}'
        )
    return entries[name]


def _names(entries: Mapping[str, _Entry]) -> str:
    return ", ".join(sorted(entries)) or "none at all"


def _cluster(entry: _Entry, name: str) -> Cluster:
    where = f'kubeconfig {entry.file}: cluster "{name}"'
    cluster = convert(entry.raw, Cluster, where)
    if not cluster.server.startswith(("http://", "https://")):
        raise BadKubeconfig(f"{where}: server must begin with https:// (or http://); {OTHERWISE}")
    return msgspec.structs.replace(cluster, certificate_auth=entry.resolve(cluster.certificate_auth))


def _user(entry: _Entry, name: str) -> User:
    where = f'kubeconfig {entry.file}: user "{name}"'
    user = convert(entry.raw, User, where)
    if user.auth_provider:
        raise BadKubeconfig(f"{where}: auth-provider is gone from Kubernetes since 1.26; use an exec plugin")
    if user.exec and "/" in user.exec.command:  # a bare name is looked for on the PATH, as kubectl does
        command = entry.resolve(user.exec.command) or ""
        user = msgspec.structs.replace(user, exec=msgspec.structs.replace(user.exec, command=command))
    return msgspec.structs.replace(
        user,
        token_file=entry.resolve(user.token_file),
        client_cert=entry.resolve(user.client_cert),
        client_key=entry.resolve(user.client_key),
    )


def _in_cluster(env: Mapping[str, str], folder: Path) -> Connection:
    host, port = env["KUBERNETES_SERVICE_HOST"], env["KUBERNETES_SERVICE_PORT"]
    for name in ("token", "ca.crt"):
        if not (folder / name).is_file():
            raise BadKubeconfig(
                f"this is a pod without {folder / name}; set automountServiceAccountToken: true, "
                "or give --kubeconfig"
            )
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    cluster = Cluster(server=server, certificate_auth=str(folder / "ca.crt"))
    user = User(token_file=str(folder / "token"))
    title, namespace = "the pod's service account", folder / "namespace"
    try:
        own = namespace.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):  # a token that was mounted by hand may come without
        own = ""
    return Connection(title, title, cluster, user, own)
