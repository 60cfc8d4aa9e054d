"""What one child needs, given what is there: one decision, for the plan and again before a write; pure."""

from dataclasses import replace

from reconcile.desire.children import EXCLUSIVE, runs_once
from reconcile.desire.children.further import CLAIM, STATEFUL_SET
from reconcile.desire.children.metadata import with_hash, with_owner, without_owner
from reconcile.kube.live import Live
from reconcile.kube.managedfields import EMPTY, FieldSet, below, covers, field_set_of, part_of, path_text
from reconcile.kube.objects import Manifest, key_of, map_in
from reconcile.model.kinds_record import FIELD as KINDS
from reconcile.model.names import EDITS_KEPT, NAME_TAKEN, REFUSED, TOOL
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.problems import first_of
from reconcile.model.ttl import Deadline
from reconcile.plan.challenges import solvers, without_rules
from reconcile.plan.changes import Blocked, Create, Delete, Keep, NoDelete, Update, UpdateMessage, Waiting
from reconcile.plan.child import Child
from reconcile.plan.diff import Difference, difference
from reconcile.plan.field_conflicts import added_by_hand, edits_are_kept, owned_by_others
from reconcile.plan.rules import Rules

NEW_PREVIEW = "new preview"
"""Nothing was ever told of it: it has no status."""

MOST_MANAGERS = 5
"""So many managers are named."""
UNMANAGED = f"exists and is not managed by {TOOL}"
NO_TEMPLATES = (
    "templates were merged into it, and this run has none; "
    "pass --templates DIR, or --templates none to remove what they set"
)
NO_TEMPLATES_MADE = (
    "a template made it, and this run has none; "
    "pass --templates DIR, or --templates none to delete it unless it holds data"
)
TOO_LARGE = "waits: too large to compare; remove what others added to it, or delete it"


def decide(
    manifest: Manifest, preview: PreviewEnvironment, child: Child | None
) -> Create | Update | Keep | Waiting | Blocked:
    """What the wanted child needs: the one decision that is made of it, wherever it is made."""
    key, place = key_of(manifest), preview.key.place
    if child is None:
        return Create(key, place, manifest, _why_missing(preview))
    child = child.decoded()
    if not (child.ours or child.adoptable):
        return Blocked(key, place, NAME_TAKEN, name_taken(child))
    if child.live.terminating:
        return Waiting(key, place, "waits: the old one is being deleted")
    if child.live.partial:
        return Waiting(key, place, TOO_LARGE)
    if not child.rules.templates and _has_templates(child):
        return Blocked(key, place, REFUSED, f"{key}: {NO_TEMPLATES}")
    return _compare(_as_it_may_be(manifest, child), child)


def _why_missing(preview: PreviewEnvironment) -> str:
    """The kinds of further children are remembered before anything is told of a preview."""
    return "does not exist" if preview.status.keys() - {KINDS} else NEW_PREVIEW


def _as_it_may_be(manifest: Manifest, child: Child) -> Manifest:
    """The manifest with what stays as it is there: the spec of what ran, and whose it is."""
    if runs_once(child.key.kind):
        mine = field_set_of(manifest) if child.applied is None else child.applied
        manifest = with_spec_there(manifest, child, mine)
    if child.protected_by_others:
        return without_owner(manifest, child.names)
    return manifest if child.uid or child.applied is not None else _with_their_owner(manifest, child)


def _has_templates(child: Child) -> bool:
    """Whether our last apply had templates merged; anybody may write the annotation."""
    annotation = child.rules.names.templates_annotation
    path = ("f:metadata", "f:annotations", f"f:{annotation}")
    return annotation in child.live.annotations and (child.applied is None or path in child.applied)


def with_spec_there(manifest: Manifest, child: Child, mine: FieldSet) -> Manifest:
    """The manifest with what is there of the spec that is ours, so that only the metadata changes.

    That of a Job cannot be changed, and what ran has run. An apply has to repeat it; one of metadata alone
    would drop what is ours of the spec, which is a 422.
    """
    spec = part_of(child.live.manifest, below(mine, ("f:spec",))).get("spec")
    rest = {name: value for name, value in manifest.items() if name != "spec"}
    return with_hash({**rest, "spec": spec} if spec else rest, child.names)


def _with_their_owner(manifest: Manifest, child: Child) -> Manifest:
    """A preview in a file has no uid: a child in a dump keeps the owner reference that it has."""
    names = child.names
    protected = names.protects(manifest["metadata"]["annotations"])
    theirs = [r for r in child.live.owner_references if names.refers_to(r, child.owner)]
    return manifest if protected or not theirs else with_owner(manifest, theirs[0], names)


def _compare(manifest: Manifest, child: Child) -> Update | Keep:
    live, from_server = child.live, child.rules.from_server
    adopting = not child.ours or (from_server and child.applied is None)
    at_challenge = () if adopting else solvers(live, manifest, child.names.field_manager)
    manifest = without_rules(manifest) if at_challenge else manifest
    found = difference(child, manifest)
    if not found and not adopting:
        kept = _challenge(at_challenge) or _server_keeps(found, child) or _edits_kept(child, manifest)
        return Keep(key_of(manifest), child.place, kept)
    takeover = found.takeover
    if adopting and from_server:
        takeover |= _all_of_ours(manifest, child)
    message = _message(manifest, child, found)
    return Update(key_of(manifest), child.place, manifest, live, found.fields, message, takeover)


def _message(manifest: Manifest, child: Child, found: Difference) -> UpdateMessage:
    names, wanted = child.names, manifest["metadata"]["annotations"]
    if not child.ours:
        return UpdateMessage.ADOPTED
    if child.applied_before(manifest):
        return UpdateMessage.DRIFTED
    if child.live.annotations.get(names.templates_annotation) != wanted.get(names.templates_annotation):
        return UpdateMessage.TEMPLATE
    if not _of_protection(found, names.prune_annotation):
        return UpdateMessage.CHANGED
    return UpdateMessage.PREVIEW_PROTECTED if names.protects(wanted) else UpdateMessage.PREVIEW_UNPROTECTED


def _of_protection(found: Difference, annotation: str) -> bool:
    """Whether nothing changes but the annotation that protects, and the owner reference that follows it."""
    paths = [change.path for change in found.fields]
    marks = [path for path in paths if path == f"metadata.annotations[{annotation}]"]
    return bool(marks) and all(
        path.startswith("metadata.ownerReferences") for path in set(paths) - set(marks)
    )


def _challenge(managers: tuple[str, ...]) -> str:
    return f"kept with the path that {', '.join(managers)} added for a certificate" if managers else ""


def _edits_kept(child: Child, manifest: Manifest) -> str:
    if not (child.rules.from_server and edits_are_kept(child.live, manifest, child.rules)):
        return ""
    added = sorted(path_text(path, child.live.manifest) for path in added_by_hand(child, manifest))
    if not added:
        return ""
    return f"kept with {', '.join(added)}, added by hand ({child.names.edits_annotation} is {EDITS_KEPT})"


def _server_keeps(found: Difference, child: Child) -> str:
    if not found.kept:
        return ""
    fields, annotation = ", ".join(found.kept), child.names.applied_annotation
    return (
        f"the API server stores {fields} with another value; to apply it again, remove {annotation} from it"
    )


def _all_of_ours(manifest: Manifest, child: Child) -> FieldSet:
    """What an adopted object's fields become: the wanted ones, and all where only we would write.

    Not only what others own there: where the history was wiped, a field is nobody's.
    """
    live, manager = child.live, child.names.field_manager
    exclusive = EXCLUSIVE.get(live.key.kind, EMPTY)
    there = (path for path in field_set_of(live.manifest) if any(covers(top, path) for top in exclusive))
    return field_set_of(manifest) | frozenset(there) | owned_by_others(live, exclusive, manager)


def name_taken(child: Child) -> str:
    """Why a name is taken, by whom, and what helps."""
    live, owned = child.live, child.ownership
    if owned.state == "adoptable":
        return f"{live.key}: {UNMANAGED} ({owned.message}); pass --adopt to adopt it"
    managers = sorted({entry.manager for entry in child.others if not entry.subresource})
    by = f"; field managers: {first_of(managers, MOST_MANAGERS)}" if managers else ""
    return f"{live.key}: {UNMANAGED} ({owned.message}{by}); delete it, or rename the preview"


def prune(child: Child, message: str, deadline: Deadline | None = None) -> Delete | Keep | Waiting:
    """Whether a child that nobody wants may be deleted: it is ours, and neither it nor its preview is
    protected, or no longer."""
    key, place, rules, preview = child.key, child.place, child.rules, child.preview
    if not child.ours:
        why = f"kept: {message}, but it is not managed by {TOOL} ({child.ownership.message})"
        return Keep(key, place, why)
    ends = rules.ends(deadline, place)
    if child.protected and not ends:
        return Keep(key, place, _protection(place, deadline, rules), NoDelete.PROTECTED)
    if child.live.terminating:
        return Waiting(key, place, "is being deleted, and waits for its finalizers")
    if child.preview_protects and not ends:
        return Keep(key, place, _protection(place, deadline, rules, " on its preview"), NoDelete.PROTECTED)
    change = Delete(key, place, child.live, message)
    if preview is not None:
        change = replace(
            change,
            preview_uid=preview.uid,
            preview_generation=preview.generation,
            preview_terminating=bool(preview.deletion_timestamp),
            counts=False,
        )
    if deadline is None or not (child.protected or child.preview_protects):
        return change
    protected = f"{message}; it was protected until {deadline.at} (--max-ttl)"
    return replace(change, message=protected, counts=False, expired_at=deadline.at, deadline=deadline)


def prune_further(child: Child, preview: PreviewEnvironment) -> Delete | Keep | Waiting:
    """What becomes of a further child that a living preview has no more, since a document left, or was for
    others. It counts for `--max-deletes`: a document that is renamed deletes one child of every preview.
    No data is deleted because a document changed."""
    change = prune(child, "no template makes it any more")
    if not isinstance(change, Delete):
        return change
    return unless_data_is_lost(replace(change, counts=True, preview_labels=dict(preview.labels)))


def unless_data_is_lost(change: Delete) -> Delete | Keep:
    """The delete of a living preview's further child, by what is there of it now."""
    lost = _lost_data(change.live) if change.preview_labels is not None else ""
    if not lost:
        return change
    kept = f"kept: {change.message}, and {lost}; kubectl delete it"
    return Keep(change.key, change.preview, kept, NoDelete.HOLDS_DATA)


def _lost_data(live: Live) -> str:
    """What data would go with it, in words; "" where none would."""
    if live.key.kind == CLAIM:
        return "it holds data"
    policy = map_in(live.spec.get("persistentVolumeClaimRetentionPolicy"))
    if live.key.kind != STATEFUL_SET or not (live.partial or live.spec.get("volumeClaimTemplates")):
        return ""
    go_too = live.partial or policy.get("whenDeleted") == "Delete"
    return "its claims, which hold data, would go with it" if go_too else ""


def _protection(place: str, deadline: Deadline | None, rules: Rules, where: str = "") -> str:
    """What protects a child, until when, and by which right."""
    says = f"{rules.names.prune_annotation} is disabled{where}"
    if rules.may_protect(place):
        return f"protected: {says}, and --allow-protect names {place}"
    return f"protected until {deadline.at} (--max-ttl): {says}" if deadline else f"protected: {says}"
