"""Why one preview is as it is: what it requests, what exists, who set it, and what a run would do."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reconcile.desire.children import APPLY_ORDER
from reconcile.desire.desired import Desired
from reconcile.explain.history import NO_EVENTS, EventHistory
from reconcile.explain.managers import (
    FieldState,
    TemplateSource,
    Writer,
    foreign_fields,
    no_template,
    wanted_fields,
    writers_of,
)
from reconcile.kube.health.events import PodEvent
from reconcile.kube.health.pod import is_ready, trouble_of
from reconcile.kube.health.pods import age_and_name, exit_of
from reconcile.kube.live import Live
from reconcile.kube.objects import Key, Manifest, key_of, maps_in, split_place
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.settings import Settings
from reconcile.model.snapshot import Preview, Snapshot
from reconcile.model.status import Status
from reconcile.plan.changes import (
    DELETES,
    PREVIEW,
    Create,
    Delete,
    NoDelete,
    Plan,
    Update,
    UpdateMessage,
    Waiting,
    not_deleted,
)
from reconcile.plan.child import Child
from reconcile.plan.rules import Rules
from reconcile.report.safe import counted
from reconcile.status.facts import gather
from reconcile.status.reason import status_of
from reconcile.status.result import Pass


@dataclass(frozen=True)
class ExplainedChild:
    """An object that is desired or exists. `ownership` is whose it is; "" if it does not exist.

    The fields are empty if it does not exist, is not desired, or is not managed by us.
    """

    key: Key
    ownership: str = ""
    created: str = ""
    writers: tuple[Writer, ...] = ()
    wanted: tuple[FieldState, ...] = ()
    foreign: tuple[FieldState, ...] = ()


@dataclass(frozen=True)
class PodState:
    """One pod, and its state in one line."""

    name: str
    created: str
    state: str


@dataclass(frozen=True)
class Inquiry:
    """What was read beside the snapshot of a plan; `notes` name what could not be read."""

    fields: tuple[FieldState, ...] = ()
    writers: tuple[Writer, ...] = ()
    pods: tuple[Live, ...] = ()
    setup_pods: tuple[Live, ...] = ()
    events: EventHistory = NO_EVENTS
    warnings: tuple[PodEvent, ...] = ()
    notes: tuple[str, ...] = ()
    now: datetime | None = None


@dataclass(frozen=True)
class Explanation:
    """All about one preview.

    `desired` is None for one that is gone; `found` is its status as things are, None if it is unknown;
    `plan` is what a run of everything would do to this preview.
    """

    place: str
    desired: Desired | None
    found: Status | None
    plan: Plan
    children: tuple[ExplainedChild, ...]
    pods: tuple[PodState, ...]
    inquiry: Inquiry
    from_server: bool

    @property
    def preview(self) -> Preview | None:
        return self.desired.preview if self.desired else None


def explain(
    place: str,
    snapshot: Snapshot,
    all_desired: Iterable[Desired],
    plan: Plan,
    inquiry: Inquiry,
    settings: Settings,
    *,
    notes: tuple[str, ...] = (),
) -> Explanation:
    """Explain the preview at `NAMESPACE/NAME`; `plan` is that of everything, `notes` those about this one."""
    desired = next((desired for desired in all_desired if desired.place == place), None)
    mine = _about(plan, place, notes)
    return Explanation(
        place,
        desired,
        _found(desired, mine, snapshot, inquiry, settings),
        mine,
        _children(place, desired, mine, snapshot, settings),
        tuple(_pod(pod, inquiry) for pod in sorted(inquiry.pods + inquiry.setup_pods, key=age_and_name)),
        inquiry,
        snapshot.from_server,
    )


def _about(plan: Plan, place: str, notes: tuple[str, ...]) -> Plan:
    changes = tuple(change for change in plan.changes if change.preview == place)
    skips = any(not_deleted(change, NoDelete.SKIPPED) for change in changes)
    return Plan(changes, tuple(w for w in plan.skipped if w.subject != DELETES or skips), notes)


def _found(
    desired: Desired | None, plan: Plan, snapshot: Snapshot, inquiry: Inquiry, settings: Settings
) -> Status | None:
    """Return its status as things are: what a run that does nothing would write."""
    if desired is None or inquiry.now is None or not snapshot.from_server:
        return None
    (facts,) = gather([replace(desired, in_scope=True)], [Pass(plan)], snapshot.children)
    facts = replace(facts, pods=inquiry.pods, setup_pods=inquiry.setup_pods, events=inquiry.warnings)
    return status_of(facts, inquiry.now, url_scheme=settings.url_scheme)


def _children(
    place: str, desired: Desired | None, plan: Plan, snapshot: Snapshot, settings: Settings
) -> tuple[ExplainedChild, ...]:
    """List in apply order those that are desired, then the others that exist."""
    wanted = {key_of(manifest): manifest for manifest in desired.children} if desired else {}
    there = [key for key, live in snapshot.children.items() if settings.names.place_of(live) == place]
    changed = [change.key for change in plan.changes if change.key in snapshot.children]
    keys = [*wanted, *sorted({*there, *changed} - set(wanted), key=_apply_order)]
    rules = Rules(settings.names, from_server=snapshot.from_server)
    owner, uid = split_place(place)[1], desired.preview.uid if desired else ""
    lives = ((key, snapshot.children.get(key)) for key in keys)
    return tuple(
        ExplainedChild(key)
        if live is None
        else _child(
            wanted.get(key), Child(live, owner, rules, uid=uid), _template_source(key, desired, settings)
        )
        for key, live in lives
    )


def _template_source(key: Key, desired: Desired | None, settings: Settings) -> TemplateSource:
    """Which template sets a field of this child."""
    preview = desired.preview if desired else None
    if not settings.templates or not isinstance(preview, PreviewEnvironment):
        return no_template
    from reconcile.desire.templates.source import source_of  # what only templates need

    return lambda path: source_of(path, key.kind, preview, settings)


def _apply_order(key: Key) -> tuple[int, Key]:
    return APPLY_ORDER.get(key.kind, -1), key


def _child(wanted: Manifest | None, child: Child, source: TemplateSource) -> ExplainedChild:
    live, manager = child.live, child.names.field_manager
    compared = wanted if child.ours else None
    return ExplainedChild(
        live.key,
        "; ".join(["ours" if child.ours else f"not ours: {child.ownership.message}", *_besides(child)]),
        str(live.metadata.get("creationTimestamp") or ""),
        writers_of(live, manager),
        wanted_fields(live, compared, manager, source) if compared is not None else (),
        foreign_fields(live, compared, manager) if compared is not None else (),
    )


def _besides(child: Child) -> Iterable[str]:
    live = child.live
    for reference in live.owner_references:
        yield f"its owner is {reference.get('kind')} {reference.get('name')} (uid {reference.get('uid')})"
    if child.protected:
        yield f"protected by {child.names.prune_annotation}"
    if live.terminating:
        finalizers = ", ".join(map(str, live.metadata.get("finalizers") or ())) or "none"
        yield f"is being deleted since {live.metadata['deletionTimestamp']}, finalizers: {finalizers}"


# pods


def _pod(pod: Live, inquiry: Inquiry) -> PodState:
    trouble = trouble_of([pod], inquiry.warnings, inquiry.now)
    phase = f"{pod.status.get('phase', 'Unknown')}, {'ready' if is_ready(pod) else 'not ready'}"
    state = trouble.message if trouble else exit_of([pod]) or phase
    counts = (status.get("restartCount") for status in maps_in(pod.status.get("containerStatuses")))
    restarts = sum(count for count in counts if isinstance(count, int))
    often = f" ({counted(restarts, 'restart')})" if restarts else ""
    return PodState(pod.key.name, age_and_name(pod)[0], state + often)


# the answer


def answer(explained: Explanation) -> tuple[str, str]:
    """Return the state and what a run would do: the two lines that come first."""
    return _state(explained), _would(explained)


def _state(explained: Explanation) -> str:
    if explained.desired is None:
        left = sum(bool(child.ownership) for child in explained.children)
        objects = f"{counted(left, 'object')} {'is' if left == 1 else 'are'}"
        return f"Gone: there is no preview {explained.place}; {objects} left of it"
    if explained.desired.reason == "Terminating":
        return f"Terminating: {explained.desired.message}"
    if explained.found and not explained.found.ready:
        return f"Not ready: {explained.found.reason}: {explained.found.message}"
    for block in explained.plan.blocked:
        return f"Not ready: {block.reason}: {block.message}"
    if explained.found:
        older = any(
            isinstance(c, Update) and c.message in (UpdateMessage.CHANGED, UpdateMessage.TEMPLATE)
            for c in explained.plan.changes
        )
        ready = "Ready, as it was wanted before" if older else "Ready"
        return f"{ready}: {explained.found.url or 'its pods are available, and it has no link'}"
    if explained.from_server:
        return "Whether it is ready is not known: not all could be read"
    return "Whether it is ready only an API server can tell"


def _would(explained: Explanation) -> str:
    kinds = defaultdict[type, list[str]](list)
    messages = defaultdict[type, dict[str, None]](dict)
    for change in explained.plan.changes:
        if change.key.kind != PREVIEW:
            kinds[type(change)].append(change.key.kind)
            messages[type(change)][change.message] = None
    parts = [
        f"{verb} {_listed(kinds[type_])} ({', '.join(messages[type_])})"
        for type_, verb in ((Create, "create"), (Update, "update"), (Delete, "delete"))
        if kinds[type_]
    ]
    skipped = [c.key.kind for c in explained.plan.changes if not_deleted(c, NoDelete.SKIPPED)]
    more = [f"{_listed(kinds[Waiting])} waits"] if kinds[Waiting] else []
    more += [f"the delete of {_listed(skipped)} is skipped"] if skipped else []
    more += ["it needs action"] if explained.plan.blocked else []
    return "; ".join([f"A run would {_listed(parts) or 'change nothing'}", *more])


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
