"""A cluster as if these previews had been applied: what `-f` shows a plan; only reads.

    labels, annotations                           of the file, over what is there
    spec, and a field that is none                of the file
    uid, creationTimestamp, status, the rest      of what is there; a preview that is not there has none

The generation moves where the spec says something else, as it would on the server.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from reconcile.cluster.files.yaml import Document, Mistake, Reading, passed_over, read_files, spelled, where
from reconcile.cluster.port import Applied, Cluster, Listing, Traffic, as_it_is
from reconcile.errors import UnusableFiles, UsageError
from reconcile.kube.objects import KEPT_BY_SERVERS, Manifest, Resource
from reconcile.model.names import KIND, Names
from reconcile.model.preview import PreviewEnvironment, is_meant, parse_preview
from reconcile.model.scope import Name

STDIN = "-"
DEFAULT_NAMESPACE = "default"
Place = tuple[str, str]
"""Namespace and name."""

_KEPT_BY_SERVERS = KEPT_BY_SERVERS | {"finalizers", "ownerReferences"}


@dataclass(frozen=True)
class Previews:
    """The previews that files hold, and a sentence about what else they hold."""

    documents: Mapping[Place, Document]
    notes: tuple[str, ...] = ()


def read_previews(
    paths: Sequence[str],
    *,
    group: str,
    namespace: str = "",
    stdin: str | None = None,
    exclude: Sequence[str] = (),
) -> Previews:
    """The previews of these files, folders and `-` (the text of `stdin`), without what `exclude` takes.

    One that names no namespace is in `namespace`, else in `default`, as with kubectl. Objects of other kinds
    are passed over.
    `UnusableFiles` for a path that is not there, what is not YAML, is a preview of another group or may be
    meant as one, or is there twice, and where there is none at all.
    """
    refuse_missing(paths)
    reading = read_files(tuple(dict.fromkeys(paths)), stdin=stdin, exclude=exclude)
    mistakes = [mistake for mistake in reading.mistakes if mistake.claim.may_be(group, KIND)]
    found: dict[Place, Document] = {}
    previews = [document for document in reading.documents if _is_meant(document.manifest, group)]
    for document in previews:
        place = _place(document.manifest, namespace)
        if sentence := _no_preview(document.manifest, group) or _twice(found.get(place), place):
            mistakes.append(Mistake(document.file, document.line, sentence))
        else:
            found[place] = document
    if mistakes:
        raise UnusableFiles("\n".join(f"-f {mistake}" for mistake in mistakes))
    notes = _notes(reading, len(reading.documents) - len(previews), group)
    if not found:
        raise UnusableFiles("; ".join([f"-f {', '.join(paths)}: there is no preview in it", *notes]))
    return Previews(found, notes)


def _is_meant(manifest: Manifest, group: str) -> bool:
    """Whether it is a preview, or one whose kind or group is misspelled."""
    kind = str(manifest["kind"])
    ours = str(manifest["apiVersion"]).startswith(f"{group}/")
    return kind == KIND or (ours and is_meant(kind))


def _notes(reading: Reading, others: int, group: str) -> tuple[str, ...]:
    unrelated = [mistake for mistake in reading.mistakes if not mistake.claim.may_be(group, KIND)]
    others += len({(mistake.file, mistake.line) for mistake in unrelated if mistake.claim.kind})
    files = (mistake.file for mistake in unrelated if not mistake.claim.kind)
    return tuple(f"-f: {note}" for note in passed_over(others, files, reading.left_out))


def refuse_missing(paths: Sequence[str]) -> None:
    """UnusableFiles for a path that is not there, which takes no cluster to find out."""
    for path in paths:
        if path != STDIN and not os.path.lexists(path):
            raise UnusableFiles(f"-f {path}: there is no such file or folder")


def refuse_elsewhere(previews: Previews, names: Sequence[Name]) -> None:
    """UsageError for a NAMESPACE/NAME that means a preview of a file without a namespace, which is elsewhere.

    It is where `kubectl apply` would put it, and the plan would say that there is nothing of this name.
    """
    for wanted in names:
        for (namespace, name), document in previews.documents.items():
            names_none = not document.manifest["metadata"].get("namespace")
            if names_none and name == wanted.name and wanted.namespace not in ("", namespace):
                raise UsageError(
                    f"-f {where(document)}: {KIND} {name} names no namespace, so it would be "
                    f"{namespace}/{name} and not {wanted}; pass -n {wanted.namespace}"
                )


def _no_preview(manifest: Manifest, group: str) -> str:
    """In another version of the group it is one, which the model refuses by name."""
    if manifest["kind"] == KIND and str(manifest["apiVersion"]).startswith(f"{group}/"):
        return ""
    what = f"{manifest['kind']} {manifest['metadata']['name']} ({manifest['apiVersion']})"
    return f"{what} is no {KIND} of {group} (--api-group names their group)"


def _twice(first: Document | None, place: Place) -> str:
    return f"{KIND} {'/'.join(place)} is in {where(first)} already" if first else ""


def _place(manifest: Manifest, namespace: str = "") -> Place:
    metadata = manifest["metadata"]
    return metadata.get("namespace") or namespace or DEFAULT_NAMESPACE, metadata["name"]


class OverlayCluster:
    """Another cluster with these previews in it; implements `Cluster`, and refuses every write."""

    def __init__(self, base: Cluster, previews: Previews, *, group: str) -> None:
        self._base = base
        self._previews = previews.documents
        self._notes = previews.notes
        self._group = group

    @property
    def description(self) -> str:
        """Such as `context kind-dev (…), as if the previews in pr-42.yaml had been applied`."""
        files = dict.fromkeys(document.file for document in self._previews.values())
        named = f"{len(files)} files" if len(files) > 3 else ", ".join(files) or "no file"
        return f"{self._base.description}, as if the previews in {named} had been applied"

    @property
    def is_server(self) -> bool:
        return self._base.is_server

    @property
    def traffic(self) -> Traffic:
        return self._base.traffic

    def list(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label: str | None = None,
        field: str | None = None,
        read: Callable[[Manifest], Any] = as_it_is,
    ) -> Listing[Any]:
        """What the other cluster lists; of the previews, as they would be."""
        if not self._is_preview(resource):
            return self._base.list(resource, namespace=namespace, label=label, field=field, read=read)
        listing = self._base.list(resource, namespace=namespace)
        there = {_place(item): item for item in listing.items}
        new = [place for place in self._previews if namespace in (None, place[0])]
        shown = {**there, **{place: self._as_if(place, there.get(place)) for place in new}}
        items = (manifest for _, manifest in sorted(shown.items()))
        return Listing(
            tuple(read(m) for m in items if label is None or label in (m["metadata"].get("labels") or {})),
            listing.problems,
            (*listing.notes, *self._notes),
            listing.left_out,
        )

    def get(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        found = self._base.get(resource, namespace, name)
        if self._is_preview(resource) and (namespace, name) in self._previews:
            return self._as_if((namespace, name), found)
        return found

    def where(
        self, resource: Resource, namespace: str, name: str, path: Sequence[str | int] = ()
    ) -> str | None:
        if self._is_preview(resource) and (document := self._previews.get((namespace, name))):
            return where(document, path)
        return self._base.where(resource, namespace, name, path)

    def spelled(self, resource: Resource, namespace: str, name: str, path: Sequence[str | int]) -> str:
        if self._is_preview(resource) and (document := self._previews.get((namespace, name))):
            return spelled(document, path)
        return self._base.spelled(resource, namespace, name, path)

    def _is_preview(self, resource: Resource) -> bool:
        return (resource.group, resource.kind) == (self._group, KIND)

    def _as_if(self, place: Place, there: Manifest | None) -> Manifest:
        return as_if(self._previews[place].manifest, there, namespace=place[0], group=self._group)

    def apply(self, resource: Resource, manifest: Manifest, *, manager: str, force: bool) -> Applied:
        self._refuse()

    def apply_status(self, resource: Resource, manifest: Manifest, *, manager: str) -> Manifest:
        """Refused."""
        self._refuse()

    def create(self, resource: Resource, manifest: Manifest) -> bool:
        self._refuse()

    def patch(
        self, resource: Resource, namespace: str, name: str, patch: Sequence[Manifest], *, manager: str
    ) -> Manifest:
        self._refuse()

    def logs(self, namespace: str, pod: str, container: str, *, lines: int, previous: bool) -> str:
        return self._base.logs(namespace, pod, container, lines=lines, previous=previous)

    def restart_clock(self, seconds: float, option: str) -> None:
        self._base.restart_clock(seconds, option)

    def delete(
        self, resource: Resource, namespace: str, name: str, *, uid: str, resource_version: str
    ) -> bool:
        self._refuse()

    def carry_over(self, resource: Resource, manifest: Manifest) -> bool:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise UsageError("-f only plans: nothing is written")

    def now(self) -> datetime:
        return self._base.now()

    def close(self) -> None:
        self._base.close()


def as_if(wanted: Manifest, there: Manifest | None, *, namespace: str, group: str) -> Manifest:
    """The preview as it would be once `wanted` was applied over what is there."""
    metadata = {name: value for name, value in wanted["metadata"].items() if name not in _KEPT_BY_SERVERS}
    metadata["namespace"] = namespace
    said = {name: value for name, value in wanted.items() if name != "status"}
    if there is None:
        return {**said, "metadata": metadata}
    before: Mapping[str, Any] = there["metadata"]
    for name in ("labels", "annotations"):
        if merged := {**(before.get(name) or {}), **(metadata.get(name) or {})}:
            metadata[name] = merged
    kept = {name: value for name, value in before.items() if name in _KEPT_BY_SERVERS}
    status = {"status": there["status"]} if "status" in there else {}
    found = {**said, **status, "metadata": {**metadata, **kept}}
    if "generation" in kept and _spec(found, group) != _spec(there, group):
        found["metadata"]["generation"] = kept["generation"] + 1
    return found


def _spec(manifest: Manifest, group: str) -> object:
    """What is said: a default that the server has filled in is no difference."""
    parsed = parse_preview(
        {**manifest, "apiVersion": Names(group).api_version, "metadata": {"name": "x", "namespace": "x"}},
        group=group,
    )
    return parsed.spec if isinstance(parsed, PreviewEnvironment) else manifest.get("spec")
