"""What a pass plans from, and what it would do as far as its policies have gone."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from operator import is_

from reconcile.desire.children import RESOURCES, is_route
from reconcile.desire.desired import Desired
from reconcile.errors import internal_error
from reconcile.kube.live import Live
from reconcile.kube.objects import Key, by_namespace, split_place
from reconcile.model.names import INTERNAL_ERROR
from reconcile.model.snapshot import Settled, Snapshot
from reconcile.plan.changes import PREVIEW, Blocked, Change, Delete, Keep, Skipped
from reconcile.plan.child import Child
from reconcile.plan.options import PlanOptions

Children = Mapping[Key, Child]


@dataclass(frozen=True)
class World:
    """What is, what is wanted, and whose each child is, by the preview that its label names."""

    snapshot: Snapshot
    options: PlanOptions
    desired: Mapping[str, Desired]

    def child(self, live: Live, place: str) -> Child:
        """A live object as the preview at this place sees it."""
        desired, rules = self.desired.get(place), self.options.rules
        if desired is None:
            return Child(live, split_place(place).name, rules)
        return Child(live, desired.preview.name, rules, desired.preview, desired.preview.uid)

    @cached_property
    def children(self) -> Mapping[str, Children]:
        """The children by the preview that their label names; a route without it, by the one whose it is.

        Of kinds that are no built-in child's, a label alone says nothing: a StatefulSet gives its own to its
        claims.
        """
        found: dict[str, dict[Key, Child]] = {}
        names = self.options.rules.names
        for key in sorted(self.snapshot.children):
            live = self.snapshot.children[key]
            place = names.place_of(live)
            if not place and not (is_route(key.kind) and key.place in self.desired):
                continue
            child = self.child(live, place or key.place)
            labelled = place and (key.kind in RESOURCES or names.is_marked(live))
            if labelled or child.ours:
                found.setdefault(place or key.place, {})[key] = child
        return found

    @cached_property
    def settled(self) -> tuple[Settled, ...]:
        """The previews of the scope that are not compared anew."""
        has = self.options.scope.has
        return tuple(one for one in self.snapshot.settled if has(one.namespace, one.name, one.labels))

    def drafts(self) -> Iterator["Draft"]:
        """A draft without changes for each preview of the scope, those that are gone last."""
        for place, desired in self.desired.items():
            if desired.in_scope:
                yield Draft(place, desired, self.children.get(place, {}))
        for place, children in self.children.items():
            gone = place not in self.desired and not self.snapshot.may_be_left_out(place)
            if gone and self.options.scope.has_gone(*split_place(place)):
                yield Draft(place, None, children)


@dataclass(frozen=True)
class Draft:
    """What one preview's children need; `desired` is None where it is gone, and they are left over.

    Of one that is `frozen` nothing is changed.
    """

    place: str
    desired: Desired | None
    children: Children
    changes: tuple[Change, ...] = ()
    frozen: bool = False

    @cached_property
    def as_wanted(self) -> bool:
        """Whether nothing is to do, and nothing there that is not wanted: no policy is about that."""
        wanted = self.wanted
        return all(isinstance(change, Keep) and change.key in wanted for change in self.changes)

    @property
    def key(self) -> Key:
        """That of the preview itself."""
        return Key(PREVIEW, *split_place(self.place))

    @property
    def name(self) -> str:
        return split_place(self.place).name

    def on(self, key: Key) -> Change | None:
        return self._by_key.get(key)

    @cached_property
    def _by_key(self) -> Mapping[Key, Change]:
        """The first change of each key: anybody may give thousands of objects the label of one preview."""
        return {change.key: change for change in reversed(self.changes)}

    @property
    def wanted(self) -> frozenset[Key]:
        return self.desired.wanted if self.desired else frozenset()

    def records(self, key: Key) -> bool:
        """Whether the preview's status records this very child."""
        return self.desired is not None and self.desired.record_of(key) is not None

    def keeps_as_ours(self, key: Key) -> bool:
        """Whether the child was found to be ours, and as it is wanted."""
        return not self.frozen and self.on(key) == Keep(key, self.place)

    def mapped(self, policy: Callable[[Change], Change]) -> "Draft":
        changes = tuple(map(policy, self.changes))
        return self if all(map(is_, changes, self.changes)) else replace(self, changes=changes)

    def blocked(self, reason: str, message: str) -> Blocked:
        """That the preview needs a person."""
        return Blocked(self.key, self.place, reason, message)

    def freeze(self, first: Change) -> "Draft":
        """Nothing of the preview is changed, for this reason."""
        silent = (Keep(key, self.place) for key in self.children)
        return replace(self, changes=(first, *silent), frozen=True)

    def failed(self, error: Exception) -> "Draft":
        """The same, where something was thrown that nobody foresaw."""
        message = internal_error(error)
        if self.desired is not None:
            return self.freeze(self.blocked(INTERNAL_ERROR, message))
        return replace(
            self, changes=tuple(Keep(key, self.place, f"kept: {message}") for key in self.children)
        )


@dataclass(frozen=True)
class Proposal:
    """What a pass would do, by preview, as far as its policies have gone; `warnings` are beside it."""

    drafts: Mapping[str, Draft]
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def changes(self) -> Iterator[Change]:
        return (change for draft in self.drafts.values() for change in draft.changes)

    @property
    def deletes(self) -> list[Delete]:
        return [change for change in self.changes if isinstance(change, Delete)]

    def with_drafts(self, make: Callable[[Draft], Draft]) -> "Proposal":
        """What is thrown over one preview is that preview's failure."""
        return replace(self, drafts={place: _guarded(make, draft) for place, draft in self.drafts.items()})

    def without(self, deletes: Iterable[Delete], instead: Callable[[Delete], Change]) -> "Proposal":
        """The same with something else in the place of these deletes."""
        left_out = {(change.preview, change.key) for change in deletes}
        if not left_out:
            return self

        def policy(change: Change) -> Change:
            out = isinstance(change, Delete) and (change.preview, change.key) in left_out
            return instead(change) if out and isinstance(change, Delete) else change

        return replace(self, drafts={place: draft.mapped(policy) for place, draft in self.drafts.items()})


def _guarded(make: Callable[[Draft], Draft], draft: Draft) -> Draft:
    try:
        return make(draft)
    except Exception as error:
        return draft.failed(error)


def with_children(proposal: Proposal, world: World) -> Counter[str]:
    """How many previews of each namespace have children, those that are gone included."""
    places = [place for place, draft in proposal.drafts.items() if draft.children]
    return by_namespace([*places, *(one.place for one in world.settled)])
