"""What others put where it collides with ours, so that a forced apply alone would be refused; pure.

A forced apply changes our fields and removes none of anybody else's. Some of theirs cannot stand beside
ours: the API server answers 422, on every pass. They are the paths that this module finds.

    wanted                          live, by somebody else                collides
    a port named `http`             another port of that name             the whole item
    env A with `value`              env A with `valueFrom` (or reverse)   the other arm
    a probe with `tcpSocket`        `httpGet`, `exec` or `grpc`           the other handler
    a `preStop` hook with `sleep`   `httpGet`, `exec` or `tcpSocket`      the other handler
    a strategy `Recreate`           `rollingUpdate`, the server's default `rollingUpdate`
    our owner reference             one to an older uid of the preview    the whole reference
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconcile.desire.children import EXCLUSIVE
from reconcile.kube.hostnames import asks_for_more
from reconcile.kube.live import Live
from reconcile.kube.managedfields import (
    EMPTY,
    MISSING,
    Beside,
    FieldSet,
    Path,
    above_of,
    field_set_of,
    is_covered,
    value_at,
)
from reconcile.kube.merge import ENV_ARMS, UNIONS
from reconcile.kube.objects import Manifest, maps_in
from reconcile.kube.schema import Node, item_element
from reconcile.model.names import EDITS_KEPT
from reconcile.plan.child import Child
from reconcile.plan.rules import Rules

_NAMED_LISTS = ("f:ports",)


def collisions(child: Child, wanted: Manifest, found: Beside) -> frozenset[Path]:
    """The tops of what must go from the live object before ours can stand; `found` is ours beside it."""
    arms = (path for place in found.maps for path in (*_other_arms(*place), *_rolling_update(*place)))
    named = (path for place in found.lists for path in _same_name_other_keys(*place))
    return frozenset([*arms, *named, *_stale_references(child, wanted)])


def added_by_hand(child: Child, wanted: Manifest) -> frozenset[Path]:
    """What somebody added with kubectl where only we write, such as a variable or a header that must match.

    An injector's or an autoscaler's work is no hand's. Flux tells them in the same way, by kubectl's names:
    https://fluxcd.io/flux/faq/#why-are-kubectl-edits-rolled-back-by-flux
    """
    exclusive = EXCLUSIVE.get(child.key.kind, EMPTY)
    added = [
        path
        for entry in child.others
        if not entry.subresource and (entry.manager == "kubectl" or entry.manager.startswith("kubectl-"))
        for path in entry.fields
        if is_covered(path, exclusive)
    ]
    if not added:
        return EMPTY
    mine = field_set_of(wanted)
    above = above_of(mine)
    return frozenset(
        path
        for path in added
        if not (path in mine or path in above or is_covered(path, mine - above))
        and value_at(child.live.manifest, path) is not MISSING
    )


def edits_are_kept(live: Live, wanted: Manifest, rules: Rules) -> bool:
    """Whether an annotation says that what somebody added by hand stays.

    A hostname never does: it may be another preview's.
    """
    asked = live.annotations.get(rules.names.edits_annotation) == EDITS_KEPT
    return asked and not asks_for_more(live, wanted)


def foreign_paths(live: Live, tops: frozenset[Path], manager: str) -> FieldSet:
    """The tops themselves, and everything that other managers own at or below them."""
    return tops | owned_by_others(live, tops, manager) if tops else EMPTY


def owned_by_others(live: Live, tops: frozenset[Path], manager: str) -> FieldSet:
    """Everything that other managers own at or below the tops."""
    return frozenset(
        path for entry in live.others(manager) for path in entry.fields if is_covered(path, tops)
    )


def _same_name_other_keys(path: Path, items: Sequence[Any], live: Any, node: Node) -> Iterator[Path]:
    if path[-1] not in _NAMED_LISTS:
        return
    elements = {node.element_of(item) for item in items}
    # No set: in a file a name may be anything.
    names = [item["name"] for item in items if item.get("name") is not None]
    for item in maps_in(live):
        element = node.element_of(item)
        if item.get("name") in names and element not in elements:
            yield (*path, element)


def _other_arms(path: Path, wanted: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[Path]:
    for union in UNIONS:
        ours = union & wanted.keys()
        if ours or (union is ENV_ARMS and _is_env(path)):
            yield from ((*path, f"f:{arm}") for arm in sorted((union & live.keys()) - ours))


def _rolling_update(path: Path, wanted: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[Path]:
    if path[-1:] == ("f:strategy",) and wanted.get("type") == "Recreate" and "rollingUpdate" in live:
        yield (*path, "f:rollingUpdate")


def _is_env(path: Path) -> bool:
    # An empty env value is written as the name alone, so there the arm does not show.
    return len(path) > 1 and path[-2] == "f:env"


def _stale_references(child: Child, wanted: Manifest) -> Iterator[Path]:
    """Those to the preview that are not wanted: to an older uid, or, where it is protected, to any."""
    uids = {reference["uid"] for reference in wanted["metadata"].get("ownerReferences") or ()}
    name = wanted["metadata"]["labels"][child.names.preview_label]
    for reference in child.live.owner_references:
        if child.names.refers_to(reference, name) and reference.get("uid") not in uids:
            yield ("f:metadata", "f:ownerReferences", item_element(uid=reference.get("uid")))
