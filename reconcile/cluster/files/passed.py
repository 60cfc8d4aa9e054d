"""What lies in the folders of `--from` beside previews and children: passed over, left out, or misspelled."""

import os
from collections.abc import Collection, Iterator

from reconcile.cluster.files.defaults import namespace_of
from reconcile.cluster.files.sources import Sources
from reconcile.cluster.files.yaml import Mistake, passed_over, read_file
from reconcile.kube.objects import Resource
from reconcile.model.names import KIND
from reconcile.model.preview import is_meant


def notes_of(sources: Sources, ours: Collection[Resource]) -> tuple[str, ...]:
    """One line about all that is neither a preview nor of a kind that children have."""
    kinds = {(resource.group, resource.kind) for resource in ours}
    unrelated = [m for m in sources.mistakes if not any(m.claim.may_be(*kind) for kind in kinds)]
    others = sum(len(index.objects) for kind, index in sources.kinds.items() if kind not in kinds)
    others += len({(mistake.file, mistake.line) for mistake in unrelated if mistake.claim.kind})
    no_objects = (mistake.file for mistake in unrelated if not mistake.claim.kind)
    return passed_over(others, no_objects, len(sources.left_out))


def misspelled(sources: Sources, group: str) -> Iterator[Mistake]:
    """Objects that are meant as previews and are of another kind: taken for none, they would be gone."""
    for (of_group, kind), index in sources.kinds.items():
        if (kind != KIND and is_meant(kind)) if of_group == group else (not of_group and kind == KIND):
            for source in index.objects.values():
                document = source.document
                said = f"{document.manifest['apiVersion']} {kind} is not {group}/… {KIND}: is this a preview?"
                yield Mistake(document.file, document.line, said)


def left_out_previews(sources: Sources, group: str) -> frozenset[str] | None:
    """The `NAMESPACE/NAME` of previews in files that were left out.

    None where such a file names previews and does not parse, so that nobody can tell which. What is no
    regular file, such as a pipe or a link to another folder, has never been read: nothing came of it.
    """
    places: set[str] = set()
    for file in filter(os.path.isfile, sources.left_out):
        reading = read_file(file)
        broken = any(mistake.claim.may_be(group, KIND) for mistake in reading.mistakes)
        if broken and _names_previews(file, group):
            return None
        for document in reading.documents:
            if is_meant(document.manifest["kind"]):
                places.add(f"{namespace_of(document.manifest)}/{document.manifest['metadata']['name']}")
    return frozenset(places)


def _names_previews(file: str, group: str) -> bool:
    words = (KIND.encode(), f"{group}/v".encode())
    try:
        with open(file, "rb") as opened:
            return any(word in line for line in opened for word in words)
    except OSError:
        return True
