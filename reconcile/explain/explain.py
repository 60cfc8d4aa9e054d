"""Why one preview is as it is: what it asks for, what is there, who set it, what a run would do; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reconcile.desire.children import APPLY_ORDER
from reconcile.desire.desired import Desired
from reconcile.explain.history import NOTHING_HAPPENED, EventHistory
from reconcile.explain.managers import FieldState, Writer, foreign_fields, wanted_fields, writers_of
from reconcile.kube.health.events import PodEvent
from reconcile.kube.health.pod import is_ready, trouble_of
from reconcile.kube.health.pods import age_and_name, exit_of
from reconcile.kube.live import Live
from reconcile.kube.objects import Key, Manifest, key_of, maps_in, split_place
from reconcile.model.names import APP_COMPONENT, SETUP_COMPONENT, Names
from reconcile.model.settings import Settings
from reconcile.model.snapshot import Preview, Snapshot, claimed_place
from reconcile.model.status import Status
from reconcile.plan.changes import DELETES, PREVIEW, Blocked, Create, Delete, Plan, Update, Waiting
from reconcile.plan.decide import PREVIEW_CHANGED
from reconcile.plan.limits import is_withheld
from reconcile.plan.ownership import is_protected, ownership
from reconcile.status.facts import by_preview, gather
from reconcile.status.reason import status_of
from reconcile.status.result import Pass


@dataclass(frozen=True)
class Child:
    """An object that is wanted, or is there. `standing` says whose it is; "" where it is not there.

    The fields are empty where it is not there, is not wanted, or is not ours.
    """

    key: Key
    standing: str = ""
    created: str = ""
    writers: tuple[Writer, ...] = ()
    wanted: tuple[FieldState, ...] = ()
    foreign: tuple[FieldState, ...] = ()


@dataclass(frozen=True)
class PodState:
    """One pod, and how it is doing, in one line."""

    name: str
    created: str
    says: str


@dataclass(frozen=True)
class Inquiry:
    """What was asked of the cluster beside what a plan is made from; sentences say what could not be."""

    fields: tuple[FieldState, ...] = ()
    writers: tuple[Writer, ...] = ()
    pods: tuple[Live, ...] = ()
    events: EventHistory = NOTHING_HAPPENED
    warnings: tuple[PodEvent, ...] = ()
    notes: tuple[str, ...] = ()
    now: datetime | None = None


@dataclass(frozen=True)
class Explanation:
    """All about one preview.

    `desired` is None for one that is gone; `found` is how it stands, None where nobody can tell;
    `plan` is what a run of everything would do, as far as it is about this preview.
    """

    place: str
    desired: Desired | None
    found: Status | None
    plan: Plan
    children: tuple[Child, ...]
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
        _children(place, desired, mine, snapshot, settings.names),
        tuple(_pod(pod, inquiry) for pod in sorted(inquiry.pods, key=age_and_name)),
        inquiry,
        snapshot.from_server,
    )


def _about(plan: Plan, place: str, notes: tuple[str, ...]) -> Plan:
    changes = tuple(change for change in plan.changes if change.preview == place)
    held = any(map(is_withheld, changes))
    return Plan(changes, tuple(w for w in plan.withheld if w.subject != DELETES or held), notes)


def _found(
    desired: Desired | None, plan: Plan, snapshot: Snapshot, inquiry: Inquiry, settings: Settings
) -> Status | None:
    """How it stands as things are: what a run that does nothing would write into its status."""
    if desired is None or inquiry.now is None or not snapshot.from_server:
        return None
    (facts,) = gather([replace(desired, in_scope=True)], [Pass(plan)], snapshot.children)
    pods, setup_pods = (
        by_preview(inquiry.pods, settings.names.preview_label, component).get(facts.desired.place, ())
        for component in (APP_COMPONENT, SETUP_COMPONENT)
    )
    facts = replace(facts, pods=pods, setup_pods=setup_pods, events=inquiry.warnings)
    return status_of(facts, inquiry.now, url_scheme=settings.url_scheme)


def _children(
    place: str, desired: Desired | None, plan: Plan, snapshot: Snapshot, names: Names
) -> tuple[Child, ...]:
    """In apply order those that are wanted, then those that are there all the same."""
    wanted = {key_of(manifest): manifest for manifest in desired.children} if desired else {}
    there = [key for key, live in snapshot.children.items() if claimed_place(live, names) == place]
    changed = [change.key for change in plan.changes if change.key in snapshot.children]
    keys = [*wanted, *sorted({*there, *changed} - set(wanted), key=_apply_order)]
    uid = desired.preview.uid if desired else ""
    return tuple(_child(key, wanted.get(key), place, uid, snapshot, names) for key in keys)


def _apply_order(key: Key) -> tuple[int, Key]:
    return APPLY_ORDER.get(key.kind, -1), key


def _child(
    key: Key, wanted: Manifest | None, place: str, uid: str, snapshot: Snapshot, names: Names
) -> Child:
    live = snapshot.children.get(key)
    if live is None:
        return Child(key)
    owned = ownership(live, split_place(place)[1], uid, names, from_server=snapshot.from_server)
    compared = wanted is not None and owned.ours
    return Child(
        key,
        "; ".join([f"not ours: {owned.reason}" if not owned.ours else "ours", *_besides(live, names)]),
        str(live.metadata.get("creationTimestamp") or ""),
        writers_of(live, names),
        wanted_fields(live, wanted, names) if wanted is not None and compared else (),
        foreign_fields(live, wanted, names) if wanted is not None and compared else (),
    )


def _besides(live: Live, names: Names) -> Iterable[str]:
    for reference in live.owner_references:
        yield f"its owner is {reference.get('kind')} {reference.get('name')} (uid {reference.get('uid')})"
    if is_protected(live, names):
        yield f"protected by {names.prune_annotation}"
    if live.going:
        held = ", ".join(map(str, live.metadata.get("finalizers") or ())) or "none"
        yield f"is being deleted since {live.metadata['deletionTimestamp']}, finalizers: {held}"


# pods


def _pod(pod: Live, inquiry: Inquiry) -> PodState:
    trouble = trouble_of([pod], inquiry.warnings, inquiry.now)
    says = trouble.message if trouble else exit_of([pod]) or _phase(pod)
    return PodState(pod.key.name, age_and_name(pod)[0], says + _restarts(pod))


def _phase(pod: Live) -> str:
    return f"{pod.status.get('phase', 'Unknown')}{', ready' if is_ready(pod) else ', not ready'}"


def _restarts(pod: Live) -> str:
    counts = (status.get("restartCount") for status in maps_in(pod.status.get("containerStatuses")))
    restarts = sum(count for count in counts if isinstance(count, int))
    return f" ({restarts} restart{'s' if restarts > 1 else ''})" if restarts else ""


def answer(told: Explanation) -> tuple[str, str]:
    """How it stands, and what a run would do: the two lines that come first."""
    return _standing(told), _would(told)


def _standing(told: Explanation) -> str:
    there = [child for child in told.children if child.standing]
    if told.desired is None:
        return f"Gone: there is no preview {told.place}; {_left(len(there))}"
    if told.desired.verdict == "Going":
        return f"Going: {told.desired.message}"
    blocked = next(((block.verdict, block.reason) for block in told.plan.blocked), None)
    if found := (told.found and not told.found.ready and (told.found.reason, told.found.message)) or blocked:
        return f"Not ready: {found[0]}: {found[1]}"
    if told.found:
        older = any(isinstance(c, Update) and c.reason == PREVIEW_CHANGED for c in told.plan.changes)
        ready = "Ready, as it was wanted before" if older else "Ready"
        return f"{ready}: {told.found.url or 'its pods are available, and it has no link'}"
    if told.from_server:
        return "Whether it is ready is not known: not all could be read"
    return "Whether it is ready only an API server can tell"


def _would(told: Explanation) -> str:
    plan = told.plan
    parts = [part for type_, verb in _VERBS if (part := _part(plan, type_, verb))]
    said = f"A run would {_listed(parts)}" if parts else "A run would change nothing"
    waits = [c.key.kind for c in plan.changes if isinstance(c, Waiting) and c.key.kind != PREVIEW]
    held = [c.key.kind for c in plan.changes if is_withheld(c)]
    more = [f"{_listed(waits)} waits"] if waits else []
    more += [f"the delete of {_listed(held)} is skipped"] if held else []
    more += ["it needs action"] if any(isinstance(c, Blocked) for c in plan.changes) else []
    return "; ".join([said, *more])


_VERBS: tuple[tuple[type[Create | Update | Delete], str], ...] = (
    (Create, "create"),
    (Update, "update"),
    (Delete, "delete"),
)


def _part(plan: Plan, type_: type[Create | Update | Delete], verb: str) -> str:
    """Such as `update Deployment and Service (drifted)`."""
    changes = [change for change in plan.changes if isinstance(change, type_)]
    reasons = ", ".join(dict.fromkeys(change.reason for change in changes))
    return f"{verb} {_listed([change.key.kind for change in changes])} ({reasons})" if changes else ""


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _left(count: int) -> str:
    return f"{count} object{' is' if count == 1 else 's are'} left of it"
