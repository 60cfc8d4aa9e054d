"""The previews that the files of `-f` hold."""

import os
from collections.abc import Sequence

from reconcile.cluster.as_if import Proposed
from reconcile.cluster.files.defaults import DEFAULT_NAMESPACE
from reconcile.cluster.files.yaml import STDIN, Mistake, Reading, passed_over, read_files
from reconcile.cluster.port import FromFile
from reconcile.errors import UnusableFiles, UsageError
from reconcile.kube.objects import Manifest, NamespacedName
from reconcile.model.names import KIND
from reconcile.model.preview import is_meant


def read_previews(
    paths: Sequence[str],
    *,
    group: str,
    namespace: str = "",
    stdin: str | None = None,
    exclude: Sequence[str] = (),
) -> Proposed:
    """The previews of these files, folders and `-` (the text of `stdin`), without what `exclude` takes.

    One that names no namespace is in `namespace`, else in `default`, as with kubectl. Objects of other kinds
    are passed over.
    `UnusableFiles` for a path that is not there, what is not YAML, is a preview of another group or may be
    meant as one, or is there twice, and where there is none at all.
    """
    refuse_missing(paths)
    reading = read_files(tuple(dict.fromkeys(paths)), stdin=stdin, exclude=exclude)
    mistakes = [mistake for mistake in reading.mistakes if _may_be_meant(mistake, group)]
    found: dict[NamespacedName, FromFile] = {}
    meant = [document for document in reading.documents if _is_meant(document.manifest, group)]
    for document in meant:
        place = _place(document.manifest, namespace)
        if sentence := _no_preview(document.manifest, group) or _twice(found.get(place), place):
            mistakes.append(Mistake(document.file, document.line, sentence))
        else:
            found[place] = FromFile(document.manifest, document)
    if mistakes:
        raise UnusableFiles("\n".join(f"-f {mistake}" for mistake in mistakes))
    notes = _notes(reading, len(reading.documents) - len(meant), group)
    if not found:
        raise UnusableFiles("; ".join([f"-f {', '.join(paths)}: there is no preview in it", *notes]))
    files = tuple(dict.fromkeys(document.file for document in meant))
    return Proposed(found, files, group, notes)


def _is_meant(manifest: Manifest, group: str) -> bool:
    """Whether it is a preview, or one whose kind or group is misspelled."""
    kind = str(manifest["kind"])
    ours = str(manifest["apiVersion"]).startswith(f"{group}/")
    return kind == KIND or (ours and is_meant(kind))


def _may_be_meant(mistake: Mistake, group: str) -> bool:
    """Whether what could not be read may be a preview."""
    return mistake.claim.may_be(group, KIND)


def _notes(reading: Reading, others: int, group: str) -> tuple[str, ...]:
    unrelated = [mistake for mistake in reading.mistakes if not _may_be_meant(mistake, group)]
    others += len({(mistake.file, mistake.line) for mistake in unrelated if mistake.claim.kind})
    files = (mistake.file for mistake in unrelated if not mistake.claim.kind)
    return tuple(f"-f: {note}" for note in passed_over(others, files, reading.left_out))


def refuse_missing(paths: Sequence[str]) -> None:
    """UnusableFiles for a path that is not there, which takes no cluster to find out."""
    for path in paths:
        if path != STDIN and not os.path.lexists(path):
            raise UnusableFiles(f"-f {path}: there is no such file or folder")


def refuse_elsewhere(proposed: Proposed, named: Sequence[NamespacedName]) -> None:
    """UsageError for a NAMESPACE/NAME that means a preview of a file without a namespace, which is elsewhere.

    It is where `kubectl apply` would put it, and the plan would say that there is nothing of this name.
    """
    for wanted in named:
        for (namespace, name), preview in proposed.previews.items():
            names_none = not preview["metadata"].get("namespace")
            if names_none and name == wanted.name and wanted.namespace not in ("", namespace):
                raise UsageError(
                    f"-f {preview.source.where()}: {KIND} {name} names no namespace, so it would be "
                    f"{namespace}/{name} and not {wanted}; pass -n {wanted.namespace}"
                )


def _no_preview(manifest: Manifest, group: str) -> str:
    """In another version of the group it is one, which the model refuses by name."""
    if manifest["kind"] == KIND and str(manifest["apiVersion"]).startswith(f"{group}/"):
        return ""
    what = f"{manifest['kind']} {manifest['metadata']['name']} ({manifest['apiVersion']})"
    return f"{what} is no {KIND} of {group} (--api-group names their group)"


def _twice(first: FromFile | None, place: NamespacedName) -> str:
    return f"{KIND} {place} is in {first.source.where()} already" if first else ""


def _place(manifest: Manifest, namespace: str = "") -> NamespacedName:
    metadata = manifest["metadata"]
    return NamespacedName(metadata.get("namespace") or namespace or DEFAULT_NAMESPACE, metadata["name"])
