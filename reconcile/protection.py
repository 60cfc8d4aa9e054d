"""What is there and not wanted is as protected as its preview says, like what is wanted; pure.

What was made before its preview was protected says nothing of that itself. Once the preview is gone, nobody
could tell any more: the garbage collector would take the child, and so would the next run.
"""

from dataclasses import replace

from reconcile.changes import Update
from reconcile.children import KINDS
from reconcile.children.metadata import with_hash
from reconcile.decide import Rules, decide
from reconcile.fields import part_of
from reconcile.names import PRUNE_DISABLED, Names
from reconcile.objects import Manifest
from reconcile.ownership import is_protected, protected_by_others
from reconcile.preview import PreviewEnvironment
from reconcile.snapshot import Live


def is_protecting(preview: PreviewEnvironment, names: Names) -> bool:
    """Whether the preview says that nothing of it must be deleted."""
    return preview.annotations.get(names.prune_annotation) == PRUNE_DISABLED


def protection_of(live: Live, preview: PreviewEnvironment, rules: Rules) -> Update | None:
    """The update by which an unwanted child follows its preview, or whoever protected it; None where it does.

    None too where a server has no record of what we applied: then nobody knows which fields are ours.
    """
    if live.going or not (is_protecting(preview, rules.names) or is_protected(live, rules.names)):
        return None
    if not rules.ownership(live, preview.name, preview.uid).ours:
        return None
    manifest = _followed(live, preview, rules)
    change = manifest and decide(manifest, preview, live, rules)
    return replace(change, reason=_reason(live, preview, rules)) if isinstance(change, Update) else None


def _reason(live: Live, preview: PreviewEnvironment, rules: Rules) -> str:
    if is_protecting(preview, rules.names):
        return "its preview is protected"
    if protected_by_others(live, rules.names, from_server=rules.from_server):
        return "it is protected"
    return "its preview is no longer protected"


def _followed(live: Live, preview: PreviewEnvironment, rules: Rules) -> Manifest | None:
    """What is ours of the child, as it is there, with our marks and with what its preview says of protection.

    A child that goes anyway gets no owner reference back.
    """
    names, applied = rules.names, live.applied_by(rules.names.field_manager)
    if applied is None and rules.from_server:
        return None
    made = _whole(live) if applied is None else part_of(live.manifest, applied)
    metadata = dict(made["metadata"])
    metadata["labels"] = {**metadata.get("labels", {}), names.preview_label: preview.name}
    metadata["annotations"] = {
        **metadata.get("annotations", {}),
        names.identity_annotation: live.key.identity,
    }
    if is_protecting(preview, names):
        metadata["annotations"][names.prune_annotation] = PRUNE_DISABLED
        metadata.pop("ownerReferences", None)
    elif applied is not None:
        metadata["annotations"].pop(names.prune_annotation, None)
    return with_hash({**made, "metadata": metadata}, names)


def _whole(live: Live) -> Manifest:
    """A child in a file, which is ours whole, without what only a server writes."""
    kept = ("name", "namespace", "labels", "annotations", "ownerReferences")
    metadata = {name: live.metadata[name] for name in kept if live.metadata.get(name)}
    content = ("apiVersion", "kind", *KINDS[live.key.kind].content)
    return {
        **{name: live.manifest[name] for name in content if name in live.manifest},
        "metadata": metadata,
    }
