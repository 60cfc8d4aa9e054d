"""Which kinds of further children each preview's status is to remember after a run."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from reconcile.cluster.context import Context
from reconcile.cluster.remember import remember, unwritten
from reconcile.desire.children import RESOURCES
from reconcile.desire.desired import Desired
from reconcile.errors import (
    ClusterError,
    Forbidden,
    NamespaceTerminating,
    NotInstalled,
    ReconcileError,
    UnknownFields,
)
from reconcile.kube.live import Live
from reconcile.kube.objects import Key, Manifest, Resource
from reconcile.model.kinds_record import full_kind_in, kinds_in, written
from reconcile.model.snapshot import Snapshot
from reconcile.plan.changes import Create, Outcome

FOR_EVERYBODY = (Forbidden, NotInstalled, UnknownFields)
"""Errors that the next preview's would get too."""


@dataclass(frozen=True)
class Memory:
    """What a preview's status is to forget, and what it lacks."""

    desired: Desired
    forgets: frozenset[str]
    lacks: frozenset[str]


def keep_in_mind(
    context: Context, all_desired: Iterable[Desired], snapshot: Snapshot, outcomes: Iterable[Outcome] = ()
) -> tuple[str, ...]:
    """Forget the kinds of which a whole list showed no child of a preview that wants none, and remember those
    of children that are there; the note says why one could not be written. Nothing of files.

    Another run, with other templates, may make a child while this one forgets its kind. So whoever has made
    one reads afterwards whether it is remembered yet, and whoever has forgotten one lists it once more: one
    of the two sees what the other did.
    """
    if not context.cluster.is_server:
        return ()
    unsaid: list[ReconcileError] = []

    def write(one: Memory, *, anew: bool) -> None:
        if context.stop.asked or any(isinstance(error, FOR_EVERYBODY) for error in unsaid):
            return
        try:
            preview = one.desired.preview
            remember(context.cluster, preview, one.lacks, one.forgets, anew=anew)
        except NamespaceTerminating:
            pass
        except ReconcileError as error:
            unsaid.append(error)

    def write_all(memories: list[Memory], *, anew: bool) -> None:
        context.write_all(
            partial(write, anew=anew),
            [memories],
            namespace_of=lambda one: one.desired.preview.namespace,
            seed="",
        )

    all_desired = [one for one in all_desired if one.in_scope and one.reason != "Terminating"]
    memories = list(_memories(all_desired, snapshot))
    write_all(memories, anew=False)
    write_all(
        [*_made(all_desired, outcomes, snapshot), *_made_meanwhile(context, memories, snapshot)], anew=True
    )
    return tuple(unwritten(error, context.names) for error in unsaid[:1])


def _made(
    all_desired: Iterable[Desired], outcomes: Iterable[Outcome], snapshot: Snapshot
) -> Iterator[Memory]:
    """What this run has made of kinds that were remembered when it began."""
    made: dict[str, set[str]] = defaultdict(set)
    for outcome in outcomes:
        if (
            isinstance(outcome.change, Create)
            and outcome.result == "done"
            and outcome.change.key.kind not in RESOURCES
        ):
            made[outcome.change.preview].add(written(snapshot.kinds[outcome.change.key.kind].resource))
    for desired in all_desired:
        if known := made.get(desired.place, set()) & kinds_in(desired.preview.status):
            yield Memory(desired, frozenset(), frozenset(known))


def _made_meanwhile(context: Context, memories: Iterable[Memory], snapshot: Snapshot) -> Iterator[Memory]:
    """What another run has made of kinds that this one has just forgotten."""
    forgetting = [one for one in memories if one.forgets]
    texts = {text for one in forgetting for text in one.forgets}
    places = {text: _places(context, snapshot.kinds[full_kind_in(text)].resource) for text in sorted(texts)}
    for one in forgetting:
        there = {text for text in one.forgets if (seen := places[text]) is None or one.desired.place in seen}
        if there:
            yield replace(one, forgets=frozenset(), lacks=frozenset(there))


def _places(context: Context, resource: Resource) -> frozenset[str] | None:
    """The previews that have a child of this kind; None where nobody knows."""
    names = context.names

    def read(item: Manifest) -> str:
        live = Live(item)
        return names.place_of(live) if names.is_marked(live) else ""  # controllers copy labels

    try:
        listing = context.cluster.list(
            resource, namespace=context.namespace, label=names.preview_label, read=read
        )
    except ClusterError:
        return None
    return None if listing.problems else frozenset(listing.items)


def _memories(all_desired: Sequence[Desired], snapshot: Snapshot) -> Iterator[Memory]:
    there = _there(all_desired, snapshot)
    for desired in all_desired:
        known, mine = kinds_in(desired.preview.status), there.get(desired.place, frozenset())
        wanted = frozenset(written(snapshot.kinds[kind].resource) for kind in _further(desired.wanted))
        gone = {text for text in known - wanted if _is_gone(full_kind_in(text), mine, snapshot)}
        lacks = {text for text in wanted - known if full_kind_in(text) in mine}
        if gone or lacks:
            yield Memory(desired, frozenset(gone), frozenset(lacks))


def _further(keys: Iterable[Key]) -> frozenset[str]:
    """The full kinds that no list shows without templates."""
    return frozenset(key.kind for key in keys) - RESOURCES.keys()


def _there(all_desired: Iterable[Desired], snapshot: Snapshot) -> Mapping[str, frozenset[str]]:
    """The kinds of the further children that there are, by preview."""
    names = next((one.preview.names for one in all_desired), None)
    found: dict[str, set[str]] = defaultdict(set)
    for key, live in snapshot.children.items() if names else ():
        if key.kind not in RESOURCES and names and names.is_marked(live):
            found[names.place_of(live)].add(key.kind)
    return {place: frozenset(kinds) for place, kinds in found.items()}


def _is_gone(kind: str, mine: frozenset[str], snapshot: Snapshot) -> bool:
    """Whether a whole list shows no child of this kind. Where the kind is not served, nobody knows: it may
    be in another version."""
    listed = snapshot.kinds.get(kind)
    return listed is not None and listed.whole and listed.installed and kind not in mine
