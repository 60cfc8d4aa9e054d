"""What one child needs, given what is there: one decision, for the plan and again before a write; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reconcile.desire.children import ROOM_OF_OURS, runs_once
from reconcile.desire.children.metadata import with_hash, with_owner, without_owner
from reconcile.kube.live import Live
from reconcile.kube.managedfields import EMPTY, FieldSet, below, covers, field_set_of, part_of, path_text
from reconcile.kube.objects import Manifest, key_of
from reconcile.model.globs import matches_any
from reconcile.model.names import NAME_TAKEN, TOOL, Names
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.ttl import Deadline
from reconcile.plan.challenges import solvers, without_rules
from reconcile.plan.changes import Blocked, Change, Create, Delete, Keep, Update, Waiting
from reconcile.plan.diff import Difference, difference
from reconcile.plan.field_conflicts import added_by_hand, edits_are_kept, owned_by_others
from reconcile.plan.ownership import (
    Ownership,
    is_preview_reference,
    is_protected,
    ownership,
    protected_by_others,
)

NEW_PREVIEW = "new preview"
"""Nothing was ever told of it: it has no status."""

PREVIEW_CHANGED = "its preview or an option changed"
PROTECTED = "its preview is protected"
FEW = 5
"""So many managers are named."""
UNMANAGED = f"exists and is not managed by {TOOL}"
TOO_LARGE = "waits: too large to compare; remove what others added to it, or delete it"


@dataclass(frozen=True)
class Rules:
    """What a decision needs to know beside the objects.

    `allow_protect` are globs of `NAMESPACE/NAME`: the previews whose protection outlives `--max-ttl`.
    `keeps_edits` tells that what somebody added by hand stays.
    """

    names: Names
    from_server: bool = True
    adopt: bool = False
    allow_protect: tuple[str, ...] = ()
    keeps_edits: bool = False

    def ownership(self, live: Live, preview_name: str, preview_uid: str) -> Ownership:
        """Whose this object is, seen from that preview (`preview_uid` is "" when the preview is gone)."""
        return ownership(live, preview_name, preview_uid, self.names, from_server=self.from_server)

    def may_protect(self, place: str) -> bool:
        """Whether what this `NAMESPACE/NAME` protects outlives the operator's limits."""
        return matches_any(place.split("/"), self.allow_protect, "/")

    def ends(self, deadline: Deadline | None, place: str) -> bool:
        """Whether what is protected there goes all the same: past the operator's limit, without the right."""
        return deadline is not None and deadline.over and not self.may_protect(place)


def decide(
    manifest: Manifest, preview: PreviewEnvironment, live: Live | None, rules: Rules
) -> Create | Update | Keep | Waiting | Blocked:
    """What the wanted child needs: the one decision that is made of it, wherever it is made."""
    key, place = key_of(manifest), preview.key.place
    if live is None:
        return Create(key, place, manifest, NEW_PREVIEW if not preview.status else "does not exist")
    live = live.decoded()
    owned = rules.ownership(live, preview.name, preview.uid)
    if not owned.ours and not (rules.adopt and owned.standing == "adoptable"):
        return Blocked(key, place, NAME_TAKEN, name_taken(live, owned, rules.names))
    if live.going:
        return Waiting(key, place, "waits: the old one is being deleted")
    if live.partial:
        return Waiting(key, place, TOO_LARGE)
    if runs_once(key.kind):
        applied = live.applied_by(rules.names.field_manager)
        mine = field_set_of(manifest) if applied is None else applied
        manifest = with_spec_there(manifest, live, mine, rules.names)
    if protected_by_others(live, rules.names, from_server=rules.from_server):
        manifest = without_owner(manifest, rules.names)
    elif not preview.uid and live.applied_by(rules.names.field_manager) is None:
        manifest = _with_their_owner(manifest, live, preview, rules.names)
    return _compare(manifest, place, live, owned, rules)


def with_spec_there(manifest: Manifest, live: Live, mine: FieldSet, names: Names) -> Manifest:
    """The manifest with what is there of the spec that is ours, so that only the metadata changes.

    That of a Job cannot be changed, and what ran has run. An apply has to repeat it; one of metadata alone
    would drop what is ours of the spec, which is a 422.
    """
    spec = part_of(live.manifest, below(mine, ("f:spec",))).get("spec")
    rest = {name: value for name, value in manifest.items() if name != "spec"}
    return with_hash({**rest, "spec": spec} if spec else rest, names)


def _with_their_owner(manifest: Manifest, live: Live, preview: PreviewEnvironment, names: Names) -> Manifest:
    """A preview in a file has no uid: a child in a dump keeps the owner reference that it has."""
    protected = names.protects(manifest["metadata"]["annotations"])
    theirs = [r for r in live.owner_references if is_preview_reference(r, preview.name, names)]
    return manifest if protected or not theirs else with_owner(manifest, theirs[0], names)


def _compare(manifest: Manifest, place: str, live: Live, owned: Ownership, rules: Rules) -> Update | Keep:
    adopting = not owned.ours or (rules.from_server and live.applied_by(rules.names.field_manager) is None)
    at_challenge = () if adopting else solvers(live, manifest, rules.names)
    manifest = without_rules(manifest) if at_challenge else manifest
    by_hand = not rules.keeps_edits
    found = difference(live, manifest, rules.names, from_server=rules.from_server, by_hand=by_hand)
    if not found and not adopting:
        kept = _challenge(at_challenge) or _server_keeps(found) or _edits_kept(live, manifest, rules)
        return Keep(key_of(manifest), place, kept)
    takeover = found.takeover | (
        _all_of_ours(live, manifest, rules.names) if adopting and rules.from_server else EMPTY
    )
    reason = _reason(live, manifest, owned, found, rules.names)
    return Update(key_of(manifest), place, manifest, live, found.fields, reason, takeover)


def _reason(live: Live, manifest: Manifest, owned: Ownership, found: Difference, names: Names) -> str:
    if not owned.ours:
        return "adopted"
    before: Mapping[str, str] = live.annotations
    same = (
        before.get(names.applied_annotation) == manifest["metadata"]["annotations"][names.applied_annotation]
    )
    if same:
        return "drifted"
    return PREVIEW_CHANGED if not _of_protection(found, names) else _protection(manifest, names)


def _of_protection(found: Difference, names: Names) -> bool:
    """Whether nothing changes but the annotation that protects, and the owner reference that follows it."""
    paths = [change.path for change in found.fields]
    marks = [path for path in paths if path == f"metadata.annotations[{names.prune_annotation}]"]
    return bool(marks) and all(
        path.startswith("metadata.ownerReferences") for path in set(paths) - set(marks)
    )


def _protection(manifest: Manifest, names: Names) -> str:
    protected = names.protects(manifest["metadata"]["annotations"])
    return PROTECTED if protected else "its preview is no longer protected"


def _challenge(managers: tuple[str, ...]) -> str:
    return f"kept, with the path that {', '.join(managers)} added for a certificate" if managers else ""


def _edits_kept(live: Live, manifest: Manifest, rules: Rules) -> str:
    if not (rules.from_server and edits_are_kept(live, manifest, rules.names)):
        return ""
    added = sorted(path_text(path, live.manifest) for path in added_by_hand(live, manifest, rules.names))
    if not added:
        return ""
    return f"{', '.join(added)} added by hand: kept, as {rules.names.edits_annotation} says"


def _server_keeps(found: Difference) -> str:
    if not found.kept:
        return ""
    fields = ", ".join(found.kept)
    return f"the API server keeps {fields} another way; to have it applied again, change spec.revision"


def _all_of_ours(live: Live, manifest: Manifest, names: Names) -> FieldSet:
    """What an adopted object's fields become: the wanted ones, and all where only we would write.

    Not only what others own there: where the history was wiped, a field is nobody's.
    """
    room = frozenset(ROOM_OF_OURS.get(live.key.kind, ()))
    there = (path for path in field_set_of(live.manifest) if any(covers(top, path) for top in room))
    return field_set_of(manifest) | frozenset(there) | owned_by_others(live, room, names.field_manager)


def name_taken(live: Live, owned: Ownership, names: Names) -> str:
    """Why a name is taken, by whom, and what helps."""
    if owned.standing == "adoptable":
        return f"{live.key}: {UNMANAGED} ({owned.reason}); pass --adopt to adopt it"
    managers = sorted({entry.manager for entry in live.others(names.field_manager) if not entry.subresource})
    others = f" and {len(managers) - FEW} more" if len(managers) > FEW else ""
    by = f"; field managers: {', '.join(managers[:FEW])}{others}" if managers else ""
    return f"{live.key}: {UNMANAGED} ({owned.reason}{by}); delete it, or rename the preview"


def may_go(
    live: Live,
    preview_name: str,
    preview_uid: str,
    reason: str,
    rules: Rules,
    deadline: Deadline | None = None,
) -> Delete | Keep | Waiting:
    """Whether a child that nobody wants may be deleted: it is ours, and not protected, or no longer."""
    place = f"{live.key.namespace}/{preview_name}"
    owned = rules.ownership(live, preview_name, preview_uid)
    if not owned.ours:
        return Keep(live.key, place, f"kept, {reason}, but not managed by {TOOL} ({owned.reason})")
    protected = is_protected(live, rules.names)
    if protected and not rules.ends(deadline, place):
        return Keep(live.key, place, protection(place, deadline, rules))
    if live.going:
        return Waiting(live.key, place, "is being deleted, and waits for its finalizers")
    change = Delete(live.key, place, live, reason)
    return past(change, deadline) if protected and deadline else change


def past(change: Delete, deadline: Deadline) -> Delete:
    """The delete of what was protected until then."""
    reason = f"{change.reason}; it was protected until {deadline.at} (--max-ttl)"
    return replace(change, reason=reason, counts=False, expired_at=deadline.at, deadline=deadline)


def keeps_protected(change: Change) -> bool:
    """Whether it keeps a child that nobody wants, since it or its preview is protected."""
    return isinstance(change, Keep) and change.reason.startswith("protected")


def protection(place: str, deadline: Deadline | None, rules: Rules, where: str = "") -> str:
    """What protects a child, until when, and by which right."""
    says = f"{rules.names.prune_annotation} is disabled{where}"
    if rules.may_protect(place):
        return f"protected: {says}, and --allow-protect names {place}"
    return f"protected until {deadline.at} (--max-ttl): {says}" if deadline else f"protected: {says}"
