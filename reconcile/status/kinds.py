"""Which kinds of further children each preview's status is to remember after a run."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconcile.cluster.context import Context
from reconcile.cluster.remember import remember, unwritten
from reconcile.desire.children import RESOURCES
from reconcile.desire.desired import Desired
from reconcile.errors import Forbidden, NamespaceTerminating, NotInstalled, ReconcileError, UnknownFields
from reconcile.kube.objects import Key
from reconcile.model.kinds_record import full_kind_in, kinds_in, written
from reconcile.model.snapshot import Snapshot

FOR_EVERYBODY = (Forbidden, NotInstalled, UnknownFields)
"""Errors that the next preview's would get too."""


@dataclass(frozen=True)
class Memory:
    """What a preview's status is to forget, and what it lacks."""

    desired: Desired
    forgets: frozenset[str]
    lacks: frozenset[str]


def keep_in_mind(context: Context, all_desired: Iterable[Desired], snapshot: Snapshot) -> tuple[str, ...]:
    """Forget the kinds of which a whole list showed no child of a preview that wants none, and remember those
    of children that are there; the note says why one could not be written. Nothing of files."""
    if not context.cluster.is_server:
        return ()
    unsaid: list[ReconcileError] = []

    def write(one: Memory) -> None:
        if context.stop.asked or any(isinstance(error, FOR_EVERYBODY) for error in unsaid):
            return
        try:
            remember(context.cluster, context.names, one.desired.preview, one.lacks, one.forgets)
        except NamespaceTerminating:
            pass
        except ReconcileError as error:
            unsaid.append(error)

    memories = list(_memories(all_desired, snapshot))
    context.write_all(write, [memories], namespace_of=lambda one: one.desired.preview.namespace, seed="")
    return tuple(unwritten(error, context.names) for error in unsaid[:1])


def _memories(all_desired: Iterable[Desired], snapshot: Snapshot) -> Iterator[Memory]:
    all_desired = [one for one in all_desired if one.in_scope and one.reason != "Terminating"]
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
