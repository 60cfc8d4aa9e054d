"""Deletes that a pass must not do: not all was seen, or too many previews would lose their children."""

from dataclasses import replace

from reconcile.kube.objects import split_place
from reconcile.model.snapshot import KindList
from reconcile.plan.changes import DELETES, Delete, Keep, NoDelete, Skipped, Waiting
from reconcile.plan.draft import Proposal, World, with_children
from reconcile.plan.limits import beyond_limit, refused


def _keep(change: Delete) -> Keep:
    return Keep(change.key, change.preview, f"delete skipped ({change.message})", NoDelete.SKIPPED)


def keep_while_previews_are_unknown(proposal: Proposal, world: World) -> Proposal:
    """Where the list of previews is incomplete, or suspiciously empty, nothing is deleted."""
    snapshot, deletes, reason = world.snapshot, proposal.deletes, ""
    if snapshot.previews_problem:
        reason = f"Refusing to prune: {snapshot.previews_problem}"
    elif deletes and not snapshot.previews_sent and not world.options.max_deletes.everything:
        reason = (
            f"Refusing to delete {len(deletes)} children: the list of previews is empty; "
            "if this is intended, pass --max-deletes 100%"
        )
    if not reason:
        return proposal
    skipped = (*proposal.skipped, Skipped(DELETES, reason))
    return replace(proposal.without(deletes, _keep), skipped=skipped)


def keep_of_incomplete_kinds(proposal: Proposal, world: World) -> Proposal:
    """Nothing of a kind is deleted whose list is incomplete."""
    kinds = {name: kind for name, kind in world.snapshot.kinds.items() if not kind.whole}
    incomplete = tuple(
        _incomplete(kind) for kind in kinds.values() if not (kind.known and world.snapshot.previews_problem)
    )
    deletes = (change for change in proposal.deletes if change.key.kind in kinds)
    return replace(proposal.without(deletes, _keep), skipped=(*incomplete, *proposal.skipped))


def _incomplete(kind: KindList) -> Skipped:
    """Where a part of a folder could be read, the rest of the kind goes on."""
    what = "deletes" if kind.known else "all changes"
    return Skipped(kind.resource.full_kind, f"{kind.problem}; {what} of this kind are skipped")


def limit_previews(proposal: Proposal, world: World) -> Proposal:
    """No more previews lose their children than `--max-deletes`; which ones do, `limits` says."""
    deletes, limit = proposal.deletes, world.options.max_deletes
    if not deletes:
        return proposal
    living = with_children(proposal, world)
    refusal = refused(deletes, living, limit)
    if refusal is None:
        return proposal
    others = not limit.nothing and bool(living.keys() - refusal.namespaces)
    skipped = (*proposal.skipped, Skipped(DELETES, refusal.message, partly=others))
    refused_deletes = (
        change
        for change in deletes
        if limit.nothing or (change.counts and split_place(change.preview).namespace in refusal.namespaces)
    )
    return replace(proposal.without(refused_deletes, _keep), skipped=skipped)


def limit_expired(proposal: Proposal, world: World) -> Proposal:
    """Expired previews are counted apart: as many as the limit go, whatever becomes of the others."""
    deletes, limit = [change for change in proposal.deletes if change.expired_at], world.options.max_deletes
    if not deletes:
        return proposal
    living = with_children(proposal, world)
    later = beyond_limit(deletes, living, limit)
    message = f"expired; waits: the limit is {limit.explained(living.total())} per run (--max-deletes)"
    return proposal.without(
        (change for change in deletes if change.preview in later),
        lambda change: Waiting(change.key, change.preview, message),
    )
