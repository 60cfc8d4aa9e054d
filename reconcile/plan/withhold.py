"""The deletes of a plan that must not be done: not all was seen, or there are too many; pure."""

from collections import Counter
from collections.abc import Sequence

from reconcile.kube.objects import place_namespace
from reconcile.model.snapshot import Snapshot
from reconcile.plan.changes import DELETES, Change, Delete, Keep, Waiting, Withheld
from reconcile.plan.limits import Limit, postponed, refused

DELETE_WITHHELD = "delete withheld"
"""How the reason of a child begins that would be deleted if this pass might."""


def withhold(
    changes: Sequence[Change], snapshot: Snapshot, limit: Limit, with_children: Counter[str]
) -> tuple[list[Change], tuple[Withheld, ...]]:
    """The changes without the deletes that this pass must not do, and why it must not.

    `with_children` counts the previews in scope that have children, the gone ones included, by namespace.
    Expired previews are counted apart: as many as the limit go, whatever becomes of the others, and the rest
    wait.
    """
    withheld = [
        Withheld(kind.resource.kind, f"{kind.problem}; nothing of this kind is changed in this run")
        for kind in snapshot.kinds.values()
        if not kind.whole and not (kind.known and snapshot.previews_problem)
    ]
    deletes = [change for change in changes if isinstance(change, Delete)]
    if reason := _not_seen(deletes, snapshot, limit):
        return [_kept(c) for c in changes], (*withheld, Withheld(DELETES, reason))
    changes = [_kept(change) if _kind_not_whole(change, snapshot) else change for change in changes]
    deletes = [change for change in changes if isinstance(change, Delete)]
    refusal = refused(deletes, with_children, limit) if deletes else None
    if refusal:
        others = not limit.nothing and bool(with_children.keys() - refusal.namespaces)
        withheld.append(Withheld(DELETES, refusal.reason, partly=others))
        changes = [_kept(c) if limit.nothing or _counts(c, refusal.namespaces) else c for c in changes]
    return _expiring(changes, limit, with_children), tuple(withheld)


def _expiring(changes: Sequence[Change], limit: Limit, with_children: Counter[str]) -> list[Change]:
    later = postponed((c for c in changes if isinstance(c, Delete)), with_children, limit)
    reason = f"expired, and waits: --max-deletes lets {limit.explained(with_children.total())} go in a run"
    return [
        Waiting(c.key, c.preview, reason)
        if isinstance(c, Delete) and c.expired_at and c.preview in later
        else c
        for c in changes
    ]


def _not_seen(deletes: Sequence[Delete], snapshot: Snapshot, limit: Limit) -> str:
    if snapshot.previews_problem:
        return f"{snapshot.previews_problem}; nothing is deleted in this run"
    if deletes and not snapshot.previews_sent and not limit.everything:
        return (
            f"the list of previews is empty, and {len(deletes)} children would be deleted: none is; "
            "if there are to be no previews, say --max-deletes 100%"
        )
    return ""


def _kind_not_whole(change: Change, snapshot: Snapshot) -> bool:
    kind = snapshot.kinds.get(change.key.kind)
    return kind is not None and not kind.whole


def _counts(change: Change, namespaces: frozenset[str]) -> bool:
    return isinstance(change, Delete) and change.counts and place_namespace(change.preview) in namespaces


def _kept(change: Change) -> Change:
    if isinstance(change, Delete):
        return Keep(change.key, change.preview, f"{DELETE_WITHHELD} ({change.reason})")
    return change


def is_withheld(change: Change) -> bool:
    """Whether it stands in the place of a delete that this pass must not do."""
    return isinstance(change, Keep) and change.reason.startswith(DELETE_WITHHELD)
