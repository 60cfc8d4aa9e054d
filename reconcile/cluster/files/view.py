"""What there is: the objects of `--from`, with the files of `--to` over them."""

from collections.abc import Collection, Iterator

from reconcile.cluster.files.output import Folder, Held, check_names
from reconcile.cluster.files.passed import left_out_previews, misspelled, notes_of
from reconcile.cluster.files.sources import Source, Sources
from reconcile.cluster.files.yaml import Mistake
from reconcile.errors import Rejected
from reconcile.kube.objects import Key, Manifest, NamespacedName, Resource
from reconcile.model.names import KIND, Names


class View:
    """`removed` are the keys that were deleted: what `--from` still has of them is not seen any more."""

    def __init__(
        self, sources: Sources, folder: Folder | None, group: str, children: Collection[Resource]
    ) -> None:
        self._sources = sources
        self._folder = folder
        self._group = group
        self._children = set(children)
        self.removed: set[Key] = set()

    def is_preview(self, resource: Resource) -> bool:
        """Previews are read from `--from` alone."""
        return (resource.group, resource.kind) == (self._group, KIND)

    def refresh(self, asked: Resource) -> None:
        """Read again what has changed in `--from`; `--to` is always read as it is. What is asked for is no
        other object, also a kind that templates make."""
        self._sources.refresh()
        self._children.add(asked)

    def objects(self, resource: Resource) -> Iterator[tuple[Key, Manifest]]:
        """What `--from` has of a kind, then what `--to` has: the later wins."""
        for place, source in self._sources.of(resource).objects.items():
            if (key := Key(resource.full_kind, *place)) not in self.removed and not _misnamed(key, source):
                yield key, source.manifest
        for key, held in self._all_held(resource):
            yield key, held.manifest

    def everything(self) -> Iterator[Manifest]:
        """All objects of `--from` and all of ours in `--to`, whatever their kind."""
        for index in self._sources.kinds.values():
            yield from (source.manifest for source in index.objects.values())
        if self._folder is not None:
            yield from self._folder.ours()

    def _all_held(self, resource: Resource) -> Iterator[tuple[Key, Held]]:
        if self._folder is None or self.is_preview(resource):
            return
        for key in self._folder.names(resource):
            if held := self._folder.held(resource, key):
                yield key, held

    def mistakes(self, resource: Resource) -> Iterator[Mistake]:
        """Why a list of this kind may not be whole."""
        kind = self._sources.of(resource)
        yield from (m for m in self._sources.mistakes if m.claim.may_be(resource.group, resource.kind))
        yield from kind.mistakes
        if self.is_preview(resource):
            yield from misspelled(self._sources, self._group)
        for place, source in kind.objects.items():
            key = Key(resource.full_kind, *place)
            if mistake := _misnamed(key, source) or self._other_version(resource, source):
                yield mistake
        yield from (held.mistake for _, held in self._all_held(resource) if held.mistake)

    def passed_over(self) -> tuple[tuple[str, ...], frozenset[str] | None]:
        """A line about what is no part of a plan, and the previews that were left out."""
        ours = (*self._children, Names(self._group).previews)
        return notes_of(self._sources, ours), left_out_previews(self._sources, self._group)

    def _other_version(self, resource: Resource, source: Source) -> Mistake | None:
        """A preview of a version that we do not know passes neither for one that we do, nor for none."""
        document, version = source.document, source.document.manifest["apiVersion"]
        if not self.is_preview(resource) or version == resource.api_version:
            return None
        return Mistake(document.file, document.line, f"apiVersion is {version!r}, not {resource.api_version}")

    def held(self, resource: Resource, key: Key) -> Held | None:
        """What is in the place of the object's file in `--to`."""
        if self._folder is None or self.is_preview(resource):
            return None
        return self._folder.held(resource, key)

    def get(self, resource: Resource, key: Key) -> Manifest | None:
        """The file in `--to` as it is now, else what the last refresh saw in `--from`."""
        check_names(*key)
        if held := self.held(resource, key):
            return held.manifest
        source = self._sources.of(resource).objects.get(NamespacedName(key.namespace, key.name))
        return source.manifest if source and key not in self.removed else None


def _misnamed(key: Key, source: Source) -> Mistake | None:
    try:
        check_names(*key)
    except Rejected as error:
        return Mistake(source.document.file, source.document.line, str(error))
    return None
