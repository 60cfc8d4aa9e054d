"""Live against desired: what has to change, field by field; pure.

A child is unchanged when every wanted leaf has our value, our Apply entry holds exactly the paths that the
wanted manifest has, our list items stand in our order, and nothing of somebody else collides with ours.
What others add elsewhere is no difference.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconcile.kube.live import Live
from reconcile.kube.managedfields import (
    EMPTY,
    MISSING,
    Beside,
    FieldSet,
    Leaf,
    Path,
    above_of,
    beside,
    covers,
    is_covered,
    path_text,
    value_at,
)
from reconcile.kube.objects import Manifest, is_custom, is_map, maps_in
from reconcile.kube.rawjson import SentObject
from reconcile.kube.redact import DATA, HIDDEN, OPEN
from reconcile.kube.same import same_value
from reconcile.kube.schema import Node
from reconcile.plan.changes import FieldChange
from reconcile.plan.child import Child
from reconcile.plan.field_conflicts import added_by_hand, collisions, edits_are_kept, foreign_paths

_ACCOUNT, _OLD_ACCOUNT = "f:serviceAccountName", "f:serviceAccount"
"""A server sets the second to the first, for nobody; and makes the first of it again, when that goes."""
_SECRET = frozenset({"f:env", "f:args", "f:command", *(f"f:{name}" for name in DATA)})


@dataclass(frozen=True)
class Difference:
    """What an apply would change; `kept` names the fields that the server itself keeps another way."""

    fields: tuple[FieldChange, ...] = ()
    takeover: FieldSet = EMPTY
    kept: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.fields)


def difference(child: Child, wanted: Manifest) -> Difference:
    """Compare a child, all of it decoded, with the manifest that it should have."""
    ours, live, rules = child.applied, child.live, child.rules
    wanted = wanted.decoded() if isinstance(wanted, SentObject) else wanted
    found = beside(wanted, live.manifest)
    values, kept = _values(child, wanted, found.leaves)
    clashes = collisions(child, wanted, found)
    edits_stay = rules.keeps_edits or not rules.from_server or edits_are_kept(live, wanted, rules)
    if ours is not None and not edits_stay:
        clashes = frozenset(_tops(clashes | added_by_hand(child, wanted)))
    fields = [*values, *_disorder(found)]
    takeover: FieldSet = EMPTY
    if ours is not None:
        wanted_set = frozenset(path for path, _, _, _ in found.leaves)
        seen = {change.path for change in values}
        fields += [c for c in _lost(child, wanted, wanted_set - ours) if c.path not in seen]
        fields += _dropped(child, ours - wanted_set)
        takeover = foreign_paths(live, _to_take(child, ours - wanted_set), child.names.field_manager)
    fields += _clashing(live, clashes, covered=ours or EMPTY)
    if rules.from_server:  # also where nothing tells who set what: what is nobody's stays, until it is ours
        contested = frozenset(t for t in clashes if t not in (ours or EMPTY) or child.owners_of(t))
        takeover |= foreign_paths(live, contested, child.names.field_manager)
    return Difference(_sorted(_without_hash(fields, child)), takeover, kept)


def _without_hash(fields: list[FieldChange], child: Child) -> list[FieldChange]:
    """Our own hashes follow every other change, so they are told only where nothing else is."""
    names = child.names
    ours = (names.applied_annotation, names.template_annotation, names.templates_annotation)
    hashes = tuple(f"[{name}]" for name in ours)
    told = [change for change in fields if not change.path.endswith(hashes)]
    return told or fields


def _sorted(fields: list[FieldChange]) -> tuple[FieldChange, ...]:
    """By path; where two items have the same name, the one that goes before the one that comes."""
    return tuple(
        sorted(set(fields), key=lambda c: (c.path, c.note, c.before is None, c.before or "", c.after or ""))
    )


def _values(
    child: Child, wanted: Manifest, wanted_leaves: Iterable[Leaf]
) -> tuple[list[FieldChange], tuple[str, ...]]:
    """The wanted leaves that have another value; those that are the server's own doing apart."""
    changes, kept = [], []
    ours = child.applied
    wanted_before = ours is not None and child.applied_before(wanted)
    missing: Path = ()
    for path, value, there, node in wanted_leaves:
        same = same_value(value, there, node) or _takes_additions(value, there, node)
        if same or (missing and covers(missing, path)):
            continue
        served = child.rules.from_server and path in (ours or EMPTY) and not child.owners_of(path)
        if served and same_value(value, there, node, served=True):
            continue
        if there is MISSING and node is None:
            missing = path  # the item says it; its fields, which come next, need not
        if served and wanted_before:
            kept.append(path_text(path, wanted))
        else:
            changes.append(_change(child.live, wanted, path, there, value))
    return changes, tuple(kept)


def _takes_additions(wanted: Any, there: Any, node: Node | None) -> bool:
    """Whether an empty map is wanted where others may have fields of their own: an apply removes none."""
    return node is not None and is_map(wanted) and not wanted and is_map(there) and not node.atomic


def _lost(child: Child, wanted: Manifest, paths: FieldSet) -> Iterator[FieldChange]:
    """Fields that have our value, but are not recorded as ours: taken from us, and put back."""
    for path in _tops(paths):
        owners = ", ".join(child.owners_of(path)) or "nobody"
        yield FieldChange(path_text(path, wanted), None, None, f"is set by {owners}, not by us")


def _dropped(child: Child, paths: FieldSet) -> Iterator[FieldChange]:
    """Fields that are recorded as ours, and no longer wanted: what others own too may keep its value."""
    live = child.live
    for path in _tops(paths):
        text, there = path_text(path, live.manifest), value_at(live.manifest, path)
        if path in child.rules.let_go and (owners := child.owners_of(path)):
            yield FieldChange(text, None, None, f"is left to {', '.join(owners)}")
        elif there is MISSING:
            yield FieldChange(text, None, None, "is recorded as ours, and does not exist")
        else:
            yield FieldChange(text, shown_value(path, there, live.manifest), None)


def _clashing(live: Live, tops: frozenset[Path], covered: FieldSet) -> Iterator[FieldChange]:
    if not tops:
        return
    named = covered | above_of(covered)  # what we drop there is named already
    for path in tops:
        if path not in named:
            before = shown_value(path, value_at(live.manifest, path), live.manifest)
            yield FieldChange(path_text(path, live.manifest), before, None)


def _tops(paths: FieldSet) -> list[Path]:
    """The paths of which no shorter one is in the set."""
    return sorted(p for p in paths if not is_covered(p[:-1], paths))


def _to_take(child: Child, dropped: FieldSet) -> frozenset[Path]:
    """Of what we drop, what somebody else owns too, or what the server would make of another field: it would
    stay."""
    tops = frozenset(_tops(dropped)) - child.rules.let_go
    accounts = frozenset((*top[:-1], _OLD_ACCOUNT) for top in tops if top[-1] == _ACCOUNT)
    there = frozenset(path for path in accounts if value_at(child.live.manifest, path) is not MISSING)
    return frozenset(top for top in tops if child.owners_of(top)) | there


def _disorder(found: Beside) -> Iterator[FieldChange]:
    """Lists by key whose items, ours among others, stand in another order than ours."""
    for path, items, there, node in found.lists:
        if len(items) > 1 and _out_of_order(items, there, node):
            yield FieldChange(path_text(path), None, None, "is in another order")


def _out_of_order(items: Sequence[Any], live: Any, node: Node) -> bool:
    elements = [node.element_of(item) for item in items]
    wanted = set(elements)
    order = [element for item in maps_in(live) if (element := node.element_of(item)) in wanted]
    there = set(order)
    return order != [element for element in elements if element in there]


def _change(live: Live, wanted: Manifest, path: Path, there: Any, value: Any) -> FieldChange:
    before = None if there is MISSING else shown_value(path, there, wanted)
    return FieldChange(path_text(path, wanted, live.manifest), before, shown_value(path, value, wanted))


def shown_value(path: Path, value: Any, manifest: Manifest | None = None) -> str:
    """A value of an object as text; env, command, args, a Secret's data, and every text of a custom resource
    that is no image, may be secrets: they are never shown.
    """
    if _SECRET & set(path):
        return HIDDEN
    if isinstance(value, str):
        return HIDDEN if manifest and is_custom(manifest) and _is_hidden_in_custom(path) else value
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, Mapping):
        items = value.items()
        shown = (f"{name}: {shown_value((*path, f'f:{name}'), child, manifest)}" for name, child in items)
        return "{" + ", ".join(shown) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(shown_value(path, child, manifest) for child in value) + "]"
    return str(value)


def _is_hidden_in_custom(path: Path) -> bool:
    return path[0].removeprefix("f:") not in OPEN and path[-1] != "f:image"
