"""From the cluster to a snapshot: lists of the children's kinds, then of the previews, then a closer look.

The children come first: a preview made between the two lists then shows up without children, and nothing
of it can be taken for left over.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconcile.cluster.pool import Stop, read_at_once
from reconcile.cluster.port import Cluster, Listing
from reconcile.desire.children import CHILDREN, RESOURCES, is_route
from reconcile.desire.desired import Wish
from reconcile.errors import ClusterError, NoAnswer, NotInstalled, internal_error
from reconcile.kube.listeners import hangs_on
from reconcile.kube.objects import GATEWAY, Key, Manifest, Resource, key_of, preview_resource
from reconcile.kube.rawjson import SentObject
from reconcile.model.fingerprint import Fingerprints
from reconcile.model.names import Names
from reconcile.model.preview import Unreadable, parse_preview, unreadable
from reconcile.model.problems import Problem, one_line, shown
from reconcile.model.snapshot import KindList, Live, Preview, Settled, Snapshot
from reconcile.plan.ownership import claimed_place

WHOLE_AFTER_ALL = 8
"""So many of the wanted children that were too large to be kept are read once more, each by itself."""


def observe(
    cluster: Cluster,
    names: Names,
    *,
    namespace: str | None = None,
    concurrency: int = 8,
    stop: Stop | None = None,
    meanwhile: Callable[[Preview], Preview] = lambda preview: preview,
    before: Mapping[str, KindList] | None = None,
    left_out: Collection[Resource] = (),
    keep: Callable[[Manifest], Live] = Live,
    fingerprints: Fingerprints | None = None,
    whole: bool = False,
) -> Snapshot:
    """List everything, in every namespace or in one. NoAnswer when the previews could not be listed whole.

    `meanwhile` is done with each preview that has come while others are on their way. A kind that was served
    `before`, in the same run, and is not any more, is one whose list failed. Kinds that are `left_out` are
    not asked for, and are as kinds that are not installed: there is nothing of them. `keep` says how much of
    each child is kept. `fingerprints` tell which previews are settled; none is where all is read `whole`.
    """
    resources = [kind.resource for kind in CHILDREN if kind.resource not in left_out]
    stop = stop or Stop()
    results = read_at_once(
        lambda resource: _list_kind(cluster, resource, names, namespace, before, keep),
        resources,
        concurrency,
        stop,
    )
    lives = [live for _, found in results for live in found]
    glances = _Glances(fingerprints, _by_preview(lives, names) if fingerprints else {}, whole=whole)

    def read(item: Manifest) -> Preview | Settled:
        return glances.settled(item) or meanwhile(_parse(cluster, item, names))

    (previews,) = read_at_once(lambda _: _list_previews(cluster, names, namespace, read), [None], 1, stop)
    settled = {one.place: one for one in previews.items if isinstance(one, Settled)}
    children = {live.key: live for live in lives if not (settled and claimed_place(live, names) in settled)}
    unasked = (KindList(resource, installed=False) for resource in left_out)
    return Snapshot(
        previews=tuple(one for one in previews.items if not isinstance(one, Settled)),
        settled=tuple(settled.values()),
        looked_at=glances.looked_at,
        previews_sent=len(previews.items),
        children=children,
        kinds={kind.resource.kind: kind for kind in (*(kind for kind, _ in results), *unasked)},
        previews_problem="; ".join(previews.problems),
        from_server=cluster.is_server,
        notes=(*previews.notes, *_notes(cluster, names, children.values(), namespace, left_out)),
        left_out=previews.left_out,
    )


@dataclass
class _Glances:
    """The first look at each preview; `looked_at` are the digests of those that are not settled."""

    fingerprints: Fingerprints | None
    children: Mapping[str, tuple[Live, ...]]
    whole: bool
    looked_at: dict[str, str] = field(default_factory=dict)

    def settled(self, item: Manifest) -> Settled | None:
        if self.fingerprints is None:
            return None
        place = key_of(item).place
        children = self.children.get(place, ())
        found = None if self.whole else self.fingerprints.settled(item, children)
        if found is None:
            self.looked_at[place] = self.fingerprints.looked_at(item, children)
        return found


def _by_preview(lives: Iterable[Live], names: Names) -> Mapping[str, tuple[Live, ...]]:
    """The children by the preview that their label names."""
    found: dict[str, list[Live]] = {}
    for live in lives:
        if place := claimed_place(live, names):
            found.setdefault(place, []).append(live)
    return {place: tuple(mine) for place, mine in found.items()}


def _parse(cluster: Cluster, manifest: Manifest, names: Names) -> Preview:
    """A preview; where it lies in a file and cannot be read, each problem has its file and line.

    Only in a file is a field that is not known refused: an API server has pruned it already.
    """
    resource = preview_resource(names)
    manifest = manifest.decoded() if isinstance(manifest, SentObject) else manifest
    place = (manifest["metadata"]["namespace"], manifest["metadata"]["name"])
    in_a_file = cluster.where(resource, *place) is not None
    try:
        preview = parse_preview(manifest, group=names.group, strict_fields=in_a_file)
    except Exception as error:
        return unreadable(manifest, internal_error(error), names.group)
    if isinstance(preview, Unreadable) and in_a_file:
        return replace(
            preview, message=one_line([_in_its_file(cluster, resource, place, p) for p in preview.problems])
        )
    return preview


def _in_its_file(cluster: Cluster, resource: Resource, place: tuple[str, str], problem: Problem) -> str:
    spelled = cluster.spelled(resource, *place, problem.location) if problem.quotes else ""
    quoted = f": {shown(spelled)}" if spelled else ""
    return f"{cluster.where(resource, *place, problem.location)}: {problem}{quoted}"


def look(
    cluster: Cluster,
    snapshot: Snapshot,
    wishes: Iterable[Wish],
    *,
    namespace: str | None = None,
    concurrency: int = 8,
    stop: Stop | None = None,
    keep: Callable[[Manifest], Live] = Live,
) -> Snapshot:
    """GET each wanted child that no list showed, so that the plan knows what a write would meet; a few of
    those of which a part was kept, whole: the next passes read others, when these have become smaller; and
    where a hostname is to be given, the Gateways whose listeners may have it."""
    wishes = tuple(wishes)
    unseen = [key for wish in wishes for key in _unseen(wish, snapshot)]
    partial = [key for wish in wishes for key in sorted(wish.wanted) if _is_partial(key, snapshot)]
    asked = [*((key, keep) for key in unseen), *((key, Live) for key in partial[:WHOLE_AFTER_ALL])]
    found = read_at_once(lambda ask: _get(cluster, *ask), asked, concurrency, stop or Stop())
    problems = {kind.resource.kind: kind for kind, _ in found if kind is not None}
    lives = [live for _, live in found if live is not None]
    seen = snapshot.with_children(lives)
    seen = seen.with_kinds(problems) if problems else seen
    if not any(map(_asks_anew, wishes)):
        return seen
    keys = {key for live in seen.children.values() for key in hangs_on(live)}
    gateways = sorted(key for key in keys if namespace in (None, key.namespace))
    return _with_gateways(cluster, seen, gateways, concurrency, stop or Stop()) if gateways else seen


def _asks_anew(wish: Wish) -> bool:
    """Whether this run may give it a hostname: who has one on record keeps it."""
    record = wish.hostname_record
    return wish.in_scope and bool(wish.fqdn) and (record is None or record.name != wish.fqdn)


def _with_gateways(
    cluster: Cluster, snapshot: Snapshot, keys: list[Key], concurrency: int, stop: Stop
) -> Snapshot:
    found = read_at_once(lambda key: _gateway(cluster, key), keys, concurrency, stop)
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


def _unseen(wish: Wish, snapshot: Snapshot) -> Iterable[Key]:
    for manifest in wish.children:
        kind = snapshot.kinds[manifest["kind"]]
        if not kind.known or not kind.installed:
            return
        listed_whole = is_route(kind.resource.kind) and kind.whole
        looked_for = not listed_whole and wish.looks_for(manifest)
        if looked_for and (key := manifest.key) not in snapshot.children:
            yield key


def _is_partial(key: Key, snapshot: Snapshot) -> bool:
    live = snapshot.children.get(key)
    return live is not None and live.partial


def _get(cluster: Cluster, key: Key, keep: Callable[[Manifest], Live]) -> tuple[KindList | None, Live | None]:
    resource = RESOURCES[key.kind]
    try:
        found = cluster.get(resource, key.namespace, key.name)
    except ClusterError as error:
        return KindList(resource, problem=f"{key} could not be read: {error}", known=False), None
    return None, None if found is None else keep(found)


def _list_kind(
    cluster: Cluster,
    resource: Resource,
    names: Names,
    namespace: str | None,
    before: Mapping[str, KindList] | None,
    keep: Callable[[Manifest], Live],
) -> tuple[KindList, tuple[Live, ...]]:
    served = before is not None and before[resource.kind].installed
    try:
        # Routes of everybody count: whoever has a hostname already keeps it.
        label = None if is_route(resource.kind) else names.preview_label
        listing = cluster.list(resource, namespace=namespace, label=label, read=keep)
    except ClusterError as error:
        # The others are always served: a 404 to their list is a proxy's, and no empty list. Nor is one to
        # that of routes that were served a moment ago: a proxy's, or their CRD has just gone.
        if isinstance(error, NotInstalled) and is_route(resource.kind) and not served:
            return KindList(resource, installed=False), ()
        problem = f"the list of {resource.plural} is not whole: {error}"
        return KindList(resource, problem=problem, known=False), ()
    problem = "; ".join(listing.problems)
    return KindList(resource, problem=problem), listing.items


def _list_previews(
    cluster: Cluster, names: Names, namespace: str | None, read: Callable[[Manifest], Preview | Settled]
) -> Listing[Preview | Settled]:
    resource = preview_resource(names)
    try:
        return cluster.list(resource, namespace=namespace, read=read)
    except NotInstalled as error:
        raise NoAnswer(
            f"{resource.kind} ({resource.api_version}) is not installed in {cluster.description}: "
            f"install it with `reconcile --print-crd --api-group {names.group} | kubectl apply -f -`"
        ) from error
    except ClusterError as error:
        raise NoAnswer(f"the previews of {cluster.description} could not be listed: {error}") from error


def _notes(
    cluster: Cluster,
    names: Names,
    children: Iterable[Live],
    namespace: str | None,
    left_out: Collection[Resource],
) -> tuple[str, ...]:
    notes = []
    if left_out:
        kinds = " and ".join(resource.plural for resource in left_out)
        notes.append(f"{kinds} were not read (--route-kind): hostnames on them were not seen")
    if namespace:
        notes.append(f"only namespace {namespace} was read: hostnames of other namespaces were not seen")
    ours = (live for live in children if names.preview_label in live.labels)
    if not cluster.is_server and any(not live.tracked for live in ours):
        notes.append(
            "some children have no managedFields: whose they are is told by label and annotation alone, and "
            "fields that are no longer wanted cannot be seen (kubectl get --show-managed-fields has them)"
        )
    return tuple(notes)
