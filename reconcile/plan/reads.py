"""What a pass reads beside its lists, so that the plan knows what a write would meet."""

from collections.abc import Iterable

from reconcile.desire.children import is_route
from reconcile.desire.desired import Desired
from reconcile.kube.objects import Key
from reconcile.model.snapshot import Reads, Snapshot

WHOLE_AFTER_ALL = 8
"""So many of the wanted children that were too large to be kept are read once more, each by itself; the next
passes read others, when these have become smaller."""


def reads_of(all_desired: Iterable[Desired], snapshot: Snapshot) -> Reads:
    """Each wanted child that no list showed, a few of which a part was kept, and, where a hostname is to be
    given, the Gateways whose listeners may have it."""
    all_desired = tuple(all_desired)
    unseen = tuple(key for desired in all_desired for key in _unseen(desired, snapshot))
    partial = [key for desired in all_desired for key in sorted(desired.wanted) if _is_partial(key, snapshot)]
    return Reads(unseen, tuple(partial[:WHOLE_AFTER_ALL]), any(map(_asks_anew, all_desired)))


def _asks_anew(desired: Desired) -> bool:
    """Whether this run may give it a hostname: who has one on record keeps it."""
    record = desired.hostname_record
    return desired.in_scope and bool(desired.fqdn) and (record is None or record.name != desired.fqdn)


def _unseen(desired: Desired, snapshot: Snapshot) -> Iterable[Key]:
    for manifest in desired.children:
        kind = snapshot.kinds[manifest.key.kind]
        if not kind.known or not kind.installed:
            return
        listed_whole = is_route(manifest.key.kind) and kind.whole
        looked_for = not listed_whole and desired.looks_for(manifest)
        if looked_for and (key := manifest.key) not in snapshot.children:
            yield key


def _is_partial(key: Key, snapshot: Snapshot) -> bool:
    live = snapshot.children.get(key)
    return live is not None and live.partial
