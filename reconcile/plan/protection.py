"""What is there and not wanted is as protected as what is wanted, and outlives its preview like that; pure.

What was made before its preview was protected says nothing of that itself. Once the preview is gone, nobody
could tell any more: the garbage collector would take the child, and so would the next run.
"""

from dataclasses import replace

from reconcile.desire.children.metadata import without_owner
from reconcile.kube.managedfields import part_of
from reconcile.kube.objects import Manifest, without_servers_own
from reconcile.model.names import PRUNE_DISABLED, Names
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.snapshot import Live
from reconcile.plan.changes import Update
from reconcile.plan.decide import PROTECTED, Rules, decide
from reconcile.plan.ownership import is_preview_reference, is_protected


def protection_of(live: Live, preview: PreviewEnvironment, rules: Rules) -> Update | None:
    """The update that protects an unwanted child of ours; None where it needs none.

    It gets the annotation where its preview has it, and loses the owner reference. It never loses the
    annotation: that it is no longer protected is for a person to say. None too where a server has no record
    of what we applied: then nobody knows which fields are ours.
    """
    if live.going or not _needs(live, preview, rules.names):
        return None
    if not rules.ownership(live, preview.name, preview.uid).ours:
        return None
    manifest = _protected(live, preview, rules)
    change = manifest and decide(manifest, preview, live, rules)
    reason = PROTECTED if rules.names.protects(preview.annotations) else "it is protected"
    return replace(change, reason=reason) if isinstance(change, Update) else None


def _needs(live: Live, preview: PreviewEnvironment, names: Names) -> bool:
    if not is_protected(live, names):
        return names.protects(preview.annotations)
    return any(is_preview_reference(owner, preview.name, names) for owner in live.owner_references)


def _protected(live: Live, preview: PreviewEnvironment, rules: Rules) -> Manifest | None:
    """What is ours of the child, as it is there, with our marks, protected, and without an owner.

    Without a record: None on a server; in a file all of it.
    """
    names, applied = rules.names, live.applied_by(rules.names.field_manager)
    if applied is None and rules.from_server:
        return None
    made = without_servers_own(live.manifest) if applied is None else part_of(live.manifest, applied)
    metadata = made["metadata"]
    marks = {names.identity_annotation: live.key.identity}
    if names.protects(preview.annotations):
        marks[names.prune_annotation] = PRUNE_DISABLED
    marked = {
        "labels": {**(metadata.get("labels") or {}), names.preview_label: preview.name},
        "annotations": {**(metadata.get("annotations") or {}), **marks},
    }
    return without_owner({**made, "metadata": {**metadata, **marked}}, names)
