"""What a shell offers when somebody presses Tab: the previews that are there, their namespaces, contexts.

A line that is being typed is no place for an error: what cannot be found out, or not soon, is not offered.
"""

import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from click.shell_completion import CompletionItem

from reconcile.kube.objects import Manifest
from reconcile.model.names import DEFAULT_GROUP, Names
from reconcile.model.rules import OBJECT_NAME

Parameters = Mapping[str, Any]
"""What stands on the line already, as click has it; an option that was not given may be missing."""

Item = CompletionItem[str]

SECONDS = "_RECONCILE_COMPLETE_SECONDS"
"""The variable that says how long a cluster may take; 3 without it."""
_AT_MOST = 3
"""How many times as long all of it may take, whatever hangs: a file on a dead mount, a name server."""
# Names that a file gives to its objects are anything; a shell is told of no other than these.
_NAME = re.compile(OBJECT_NAME.pattern)


class _Preview(NamedTuple):
    namespace: str
    name: str
    fqdn: str

    @property
    def place(self) -> str:
        return f"{self.namespace}/{self.name}"


def offered(what: str, parameters: Parameters, incomplete: str) -> list[Item]:
    """What the word that was begun may become; nothing where that cannot be found out."""
    try:
        items = [item for item in _OFFERS[what](parameters, incomplete) if item.value.startswith(incomplete)]
        return sorted(items, key=lambda item: item.value)
    except Exception:  # whatever it is: nobody asked for more than a suggestion
        return []


def quietly() -> None:
    """From here on: nothing on stderr, and an end, whatever hangs."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    clock = threading.Timer(_AT_MOST * _seconds(), os._exit, [0])
    clock.daemon = True
    clock.start()


def _names(parameters: Parameters, incomplete: str) -> Iterator[Item]:
    """Bare where that is enough, else as NAMESPACE/NAME, each but once on a line."""
    given = {str(name) for name in parameters.get("names") or ()}
    previews = [one for one in _previews(parameters) if not given & {one.name, one.place}]
    count = Counter(one.name for one in previews)
    plain = [one for one in previews if parameters.get("namespace") or count[one.name] == 1]
    bare = [one for one in plain if one.name.startswith(incomplete)]
    for one in bare:
        yield CompletionItem(one.name, help=one.fqdn)
    for one in previews:
        if one not in plain or not bare:
            yield CompletionItem(one.place, help=one.fqdn)


def _namespaces(parameters: Parameters, incomplete: str) -> Iterator[Item]:
    for namespace in sorted({one.namespace for one in _previews({**parameters, "namespace": None})}):
        yield CompletionItem(namespace)


def _contexts(parameters: Parameters, incomplete: str) -> Iterator[Item]:
    from reconcile.cluster.kubernetes.kubeconfig import context_names

    for name in context_names(parameters.get("kubeconfig")):
        if re.fullmatch(r"[\w@.:/+-]+", name):
            yield CompletionItem(name)


def _files(parameters: Parameters, incomplete: str) -> Iterator[Item]:
    yield CompletionItem(incomplete, type="file")


def _folders(parameters: Parameters, incomplete: str) -> Iterator[Item]:
    yield CompletionItem(incomplete, type="dir")


_OFFERS: Mapping[str, Callable[[Parameters, str], Iterator[Item]]] = {
    "names": _names,
    "namespaces": _namespaces,
    "contexts": _contexts,
    "files": _files,
    "folders": _folders,
}


def _previews(parameters: Parameters) -> list[_Preview]:
    """Those of the cluster or the files that the line names, sorted. Raises what reading them does."""
    from reconcile.cli.options import Options
    from reconcile.cli.request import cluster_of
    from reconcile.cluster.as_if import list_previews
    from reconcile.cluster.port import as_it_is

    names = Names(parameters.get("api_group") or DEFAULT_GROUP)
    cluster, proposed = cluster_of(
        Options(
            sources=_without_stdin(parameters.get("sources")),
            filenames=_without_stdin(parameters.get("filenames")),
            exclude=parameters.get("exclude") or (),
            api_group=names.group,
            namespace=parameters.get("namespace"),
            kubeconfig=parameters.get("kubeconfig"),
            context=parameters.get("context"),
            as_user=parameters.get("as_user"),
            as_group=parameters.get("as_group") or (),
            as_uid=parameters.get("as_uid"),
            timeout=timedelta(seconds=_seconds()),
            concurrency=1,
        )
    )
    try:
        listing = list_previews(cluster, names, parameters.get("namespace"), proposed, as_it_is)
    finally:
        cluster.close()
    return sorted(one for item in listing.items if (one := _preview(item)) is not None)


def _seconds() -> float:
    said = os.environ.get(SECONDS, "")
    return float(said) if re.fullmatch(r"[0-9]{1,3}", said) else 3.0


def _without_stdin(paths: tuple[str, ...] | None) -> tuple[str, ...]:
    """What comes through a pipe is not there yet."""
    if "-" in (paths or ()):
        raise ValueError("-")
    return paths or ()


def _preview(manifest: Manifest) -> _Preview | None:
    namespace, name = str(manifest["metadata"]["namespace"]), str(manifest["metadata"]["name"])
    if not (_NAME.fullmatch(namespace) and _NAME.fullmatch(name)):
        return None
    spec = manifest.get("spec")
    fqdn = str(spec.get("fqdn")) if isinstance(spec, Mapping) else ""
    return _Preview(namespace, name, fqdn if _NAME.fullmatch(fqdn) else "")
