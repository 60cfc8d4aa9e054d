"""From the cluster to a snapshot: lists of the children's kinds, then of the previews, then a closer look.

The children come first: a preview made between the two lists then shows up without children, and nothing
of it can be taken for left over.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconcile.cluster.context import Context
from reconcile.cluster.port import Cluster, FromFile, Listing, Searched, Source
from reconcile.desire.children import missing_right
from reconcile.errors import ClusterError, NoAnswer, NoChildKind, NotInstalled, internal_error
from reconcile.kube.listeners import hangs_on
from reconcile.kube.live import Live
from reconcile.kube.objects import GATEWAY, NAMESPACE, Key, Manifest, Resource, key_of, map_in
from reconcile.kube.rawjson import decoded_whole
from reconcile.model.awake import windows_in
from reconcile.model.fingerprint import Fingerprints
from reconcile.model.kinds_record import full_kind_in, kinds_in, resource_in
from reconcile.model.preview import Unreadable, parse_preview, unreadable
from reconcile.model.problems import Problem, one_line, shown
from reconcile.model.scope import Labels
from reconcile.model.sleep import Hours
from reconcile.model.snapshot import KindList, Preview, Reads, Settled, Snapshot

Claimed = tuple[str, Live]
"""A child, after the preview that its label names; told apart while other lists are on their way."""


Within = Callable[[str, str, Labels], bool]
"""Whether a preview, by its namespace, name and labels, is one of some."""


@dataclass(frozen=True)
class Query:
    """What is listed of one kind: all, or what has the `label`. An `optional` kind need not be served; one
    without a plural is looked up first. One that only statuses name is `remembered` as these."""

    resource: Resource
    label: str | None
    optional: bool
    remembered: tuple[Resource, ...] = ()


def observe(
    context: Context,
    queries: Sequence[Query],
    *,
    meanwhile: Callable[[Preview], Preview] = lambda preview: preview,
    before: Mapping[str, KindList] | None = None,
    keep: Callable[[Manifest], Live] = Live,
    fingerprints: Fingerprints | None = None,
    whole: bool = False,
    remembering: Within = lambda namespace, name, labels: True,
) -> Snapshot:
    """List the children and then the previews, in every namespace or in one. NoAnswer when the previews
    could not be listed whole.

    `meanwhile` is done with each preview that has come while others are on their way. A kind that was served
    `before`, in the same run, and is not any more, is one whose list failed. `keep` says how much of each
    child is kept. `fingerprints` tell which previews are settled; none is where all is read `whole`.
    Kinds that only statuses name are listed for those previews that are `remembering`: a run that changes
    nothing elsewhere needs no right to what is there.
    """
    cluster, settings = context.cluster, context.settings
    results = context.read_all(lambda query: _list_kind(context, query, before, keep), queries)
    lives = [one for _, found in results for one in found]
    asked = frozenset(query.resource.full_kind for query in queries)
    glances = _Glances(fingerprints, _by_preview(lives) if fingerprints else {}, asked, whole=whole)

    def read(item: Manifest) -> Preview | Settled:
        return glances.settled(item) or meanwhile(_parse(item, settings.group))

    previews = context.read_one(lambda: _list_previews(context, read))
    settled = {one.place: one for one in previews.items if isinstance(one, Settled)}
    within = [one for one in previews.items if remembering(one.namespace, one.name, one.labels)]
    remembered = _remembered(context, within, asked)
    more = context.read_all(lambda query: _list_kind(context, query, before, keep), remembered)
    results += more
    lives += [one for _, found in more for one in found]
    children = {live.key: live for place, live in lives if place not in settled}
    hours, hour_notes = _hours(context)
    unasked = (KindList(resource, installed=False) for resource in settings.left_out)
    return Snapshot(
        previews=tuple(one for one in previews.items if not isinstance(one, Settled)),
        settled=tuple(settled.values()),
        observed_digests=glances.observed_digests,
        previews_sent=len(previews.items),
        children=children,
        kinds={kind.resource.full_kind: kind for kind in (*(kind for kind, _ in results), *unasked)},
        previews_problem="; ".join(previews.problems),
        from_server=cluster.is_server,
        notes=(*previews.notes, *_notes(context, children.values()), *hour_notes),
        left_out=previews.left_out,
        hours=hours,
    )


def _hours(context: Context) -> tuple[Hours, tuple[str, ...]]:
    """The awake hours, those of namespaces included where they are asked for, and notes about these."""
    settings, annotation = context.settings, context.names.awake_annotation
    if not (settings.awake_by_namespace and context.cluster.is_server):
        return Hours(settings.awake), ()

    def read(item: Manifest) -> tuple[str, str | None]:
        metadata = item["metadata"]
        return metadata["name"], map_in(metadata.get("annotations")).get(annotation)

    def unknown(why: str) -> tuple[Hours, tuple[str, ...]]:
        note = "the awake hours of namespaces are not known, so previews stay asleep or awake as they are"
        return Hours(settings.awake, None), (f"{note} (--awake-by-namespace): {why}",)

    if context.namespace:  # a Namespace is outside of it
        return unknown(f"only namespace {context.namespace} is read")
    try:
        listing = context.read_one(lambda: context.cluster.list(NAMESPACE, read=read))
    except ClusterError as error:
        return unknown(str(error))
    return _hours_of(
        settings.awake, ((name, text) for name, text in listing.items if text is not None), annotation
    )


def _hours_of(
    awake: tuple[str, ...], annotated: Iterable[tuple[str, str]], annotation: str
) -> tuple[Hours, tuple[str, ...]]:
    """Where an annotation cannot be read, no preview sleeps: what was meant, nobody knows."""
    found, notes = dict[str, tuple[str, ...]](), list[str]()
    for name, text in annotated:
        try:
            found[name] = windows_in(text)
        except ValueError as error:
            found[name] = ()
            notes.append(
                f"Namespace {name}: annotation {annotation}: {shown(text)}: {error}; its previews stay awake"
            )
    return Hours(awake, found), tuple(notes)


def _remembered(
    context: Context, previews: Iterable[Preview | Settled], asked: frozenset[str]
) -> Sequence[Query]:
    """The kinds that only statuses name: no template makes them any more. They come after the previews, and
    a preview that is newer than its list is read again before anything of it is deleted."""
    cluster, label = context.cluster, context.names.preview_label
    asked |= {resource.full_kind for resource in context.settings.left_out}
    ours = cluster.kinds(context.names.identity_annotation) if isinstance(cluster, Searched) else ()
    found = {one.full_kind: {one} for one in ours}
    for preview in previews:
        for text in preview.kinds if isinstance(preview, Settled) else kinds_in(preview.status):
            found.setdefault(full_kind_in(text), set()).add(resource_in(text))
    versions = (tuple(sorted(found[kind])) for kind in sorted(found.keys() - asked))
    return [Query(one[0], label, optional=True, remembered=one) for one in versions]


@dataclass
class _Glances:
    """The first look at each preview, and the digests of those that are not settled.

    None is that remembers a kind which is not among those `asked` for yet: what it has of that, nobody knows.
    """

    fingerprints: Fingerprints | None
    children: Mapping[str, tuple[Live, ...]]
    asked: frozenset[str]
    whole: bool
    observed_digests: dict[str, str] = field(default_factory=dict)

    def settled(self, item: Manifest) -> Settled | None:
        if self.fingerprints is None:
            return None
        place = key_of(item).place
        children = self.children.get(place, ())
        found = None if self.whole else self.fingerprints.settled(item, children)
        if found is not None and self.asked.issuperset(map(full_kind_in, found.kinds)):
            return found
        self.observed_digests[place] = self.fingerprints.observed_digest(item, children)
        return None


def _by_preview(lives: Iterable[Claimed]) -> Mapping[str, tuple[Live, ...]]:
    """The children by the preview that their label names."""
    found: dict[str, list[Live]] = {}
    for place, live in lives:
        if place:
            found.setdefault(place, []).append(live)
    return {place: tuple(mine) for place, mine in found.items()}


def _parse(manifest: Manifest, group: str) -> Preview:
    """A preview; where it lies in a file and cannot be read, each problem has its file and line.

    Only in a file is a field that is not known refused: an API server has pruned it already.
    """
    manifest = decoded_whole(manifest)
    source = manifest.source if isinstance(manifest, FromFile) else None
    try:
        preview = parse_preview(manifest, group=group, strict_fields=source is not None)
    except Exception as error:
        return unreadable(manifest, internal_error(error), group)
    if isinstance(preview, Unreadable) and source:
        return replace(preview, message=one_line([_in_its_file(source, p) for p in preview.problems]))
    return preview


def _in_its_file(source: Source, problem: Problem) -> str:
    spelled = source.spelled(problem.location) if problem.quotes else ""
    quoted = f": {shown(spelled)}" if spelled else ""
    return f"{source.where(problem.location)}: {problem}{quoted}"


def look(
    context: Context, snapshot: Snapshot, reads: Reads, *, keep: Callable[[Manifest], Live] = Live
) -> Snapshot:
    """Read these children one by one, and then the Gateways that the routes hang on."""
    asked = [*((key, keep) for key in reads.children), *((key, Live) for key in reads.whole)]
    found = context.read_all(lambda ask: _get(context.cluster, snapshot, *ask), asked)
    problems = {kind.resource.full_kind: kind for kind, _ in found if kind is not None}
    seen = snapshot.with_children(live for _, live in found if live is not None)
    seen = seen.with_kinds(problems) if problems else seen
    if not reads.gateways:
        return seen
    keys = {key for live in seen.children.values() for key in hangs_on(live)}
    gateways = sorted(key for key in keys if context.namespace in (None, key.namespace))
    return _with_gateways(context, seen, gateways) if gateways else seen


def _with_gateways(context: Context, snapshot: Snapshot, keys: list[Key]) -> Snapshot:
    found = context.read_all(lambda key: _gateway(context.cluster, key), keys)
    gateways = {key: gateway for key, (gateway, _) in zip(keys, found, strict=True) if gateway is not None}
    notes = tuple(note for _, note in found if note)
    return replace(snapshot, gateways=gateways, notes=(*snapshot.notes, *notes[:1]))


def _gateway(cluster: Cluster, key: Key) -> tuple[Manifest | None, str]:
    try:
        return cluster.get(GATEWAY, key.namespace, key.name), ""
    except NotInstalled:
        return None, ""
    except ClusterError as error:
        return None, f"the hostnames of the listeners of {key} were not seen: {error}"


def _get(
    cluster: Cluster, snapshot: Snapshot, key: Key, keep: Callable[[Manifest], Live]
) -> tuple[KindList | None, Live | None]:
    resource = snapshot.kinds[key.kind].resource
    try:
        found = cluster.get(resource, key.namespace, key.name)
    except ClusterError as error:
        told = missing_right(error, resource)
        return KindList(resource, problem=f"{key} could not be read: {told}", known=False), None
    return None, None if found is None else keep(found)


def _list_kind(
    context: Context,
    query: Query,
    before: Mapping[str, KindList] | None,
    keep: Callable[[Manifest], Live],
) -> tuple[KindList, tuple[Claimed, ...]]:
    resource, names = query.resource, context.names

    def read(item: Manifest) -> Claimed:
        live = keep(item)
        return names.place_of(live), live

    seen = before.get(resource.full_kind) if before else None
    served = seen is not None and seen.installed
    try:
        if not resource.plural:
            resource = _served(context.cluster, query)
        listing = context.cluster.list(resource, namespace=context.namespace, label=query.label, read=read)
    except ClusterError as error:
        # The others are always served: a 404 to their list is a proxy's, and no empty list. Nor is one to
        # that of an optional kind that was served a moment ago: a proxy's, or its CRD has just gone.
        if isinstance(error, NotInstalled) and query.optional and not served:
            return KindList(resource, installed=False), ()
        if isinstance(error, NoChildKind) and query.remembered:  # whoever wrote that, there is no child of it
            return KindList(resource), ()
        told = missing_right(error, resource)
        problem = f"the list of {resource.plural or resource.kind} is incomplete: {told}"
        return KindList(resource, problem=problem, known=False), ()
    problem = "; ".join(listing.problems)
    return KindList(resource, problem=problem), listing.items


def _served(cluster: Cluster, query: Query) -> Resource:
    """The resource that serves a kind; of one that is remembered, in whichever version. NotInstalled where
    none does, NoChildKind where none can."""
    asked, refused = query.remembered or (query.resource,), list[NoChildKind]()
    for one in asked:
        try:
            if found := cluster.resource(one.api_version, one.kind):
                return found
        except NoChildKind as error:
            refused.append(error)
    if len(refused) == len(asked):
        raise refused[0]
    for version in cluster.versions(query.resource.group) if query.remembered else ():
        other = replace(query.resource, version=version)
        if found := cluster.resource(other.api_version, other.kind):
            return found
    raise NotInstalled(f"{query.resource.kind} ({query.resource.api_version}) is not served")


def _list_previews(
    context: Context, read: Callable[[Manifest], Preview | Settled]
) -> Listing[Preview | Settled]:
    cluster, resource = context.cluster, context.names.previews
    try:
        return context.list_previews(read)
    except NotInstalled as error:
        raise NoAnswer(
            f"{resource.kind} ({resource.api_version}) is not installed in {cluster.description}: "
            f"install it with `{context.names.install_crd}`"
        ) from error
    except ClusterError as error:
        raise NoAnswer(f"the previews of {cluster.description} could not be listed: {error}") from error


def _notes(context: Context, children: Iterable[Live]) -> tuple[str, ...]:
    notes, namespace, label = [], context.namespace, context.names.preview_label
    if left_out := context.settings.left_out:
        kinds = " and ".join(resource.plural for resource in left_out)
        notes.append(f"{kinds} were not read (--route-kind): hostnames on them were not seen")
    if namespace:
        notes.append(f"only namespace {namespace} was read: hostnames of other namespaces were not seen")
    ours = (live for live in children if label in live.labels)
    if not context.cluster.is_server and any(not live.tracked for live in ours):
        notes.append(
            "some children have no managedFields: only label and annotation decide whether they are managed, "
            "and fields to remove cannot be found; export them with kubectl get --show-managed-fields"
        )
    return tuple(notes)
