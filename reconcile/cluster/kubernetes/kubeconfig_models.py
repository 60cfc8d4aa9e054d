"""What a kubeconfig says about a cluster, a user and a context, as far as it is used here."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
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
