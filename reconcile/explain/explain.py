"""Why one preview is as it is: what it requests, what exists, who set it, and what a run would do."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reconcile.desire.children import apply_order, is_route_of, short_name
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
from reconcile.kube.objects import Key, maps_in, split_place
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.snapshot import Preview
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
from reconcile.run.passes import Planned
from reconcile.status.facts import gather
from reconcile.status.reason import status_of
from reconcile.status.result import Pass


@dataclass(frozen=True)
class ExplainedChild:
    """An object that is desired or exists. `ownership` is whose it is; "" if it does not exist.

    The fields are empty if it does not exist, is not desired, or is not managed by us. `kept` is the
    `--route` with which a run would manage it; "" unless it is a route of another kind that stays.
    """

    key: Key
    ownership: str = ""
    created: str = ""
    writers: tuple[Writer, ...] = ()
    wanted: tuple[FieldState, ...] = ()
    foreign: tuple[FieldState, ...] = ()
    kept: str = ""


@dataclass(frozen=True)
class PodState:
    """One pod, and its state in one line."""

    name: str
    created: str
    state: str


@dataclass(frozen=True)
class Pods:
    """The pods of one preview: those of the app, of its setup, and of its further children."""

    app: tuple[Live, ...] = ()
    setup: tuple[Live, ...] = ()
    further: tuple[Live, ...] = ()

    @property
    def all(self) -> tuple[Live, ...]:
        return (*self.app, *self.setup, *self.further)


@dataclass(frozen=True)
class Inquiry:
    """What was read beside the snapshot of a plan; `notes` name what could not be read."""

    fields: tuple[FieldState, ...] = ()
    writers: tuple[Writer, ...] = ()
    pods: Pods = Pods()
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


def explain(planned: Planned, inquiry: Inquiry) -> Explanation:
    """Explain the one preview of a plan of everything."""
    mine = _about(planned)
    return Explanation(
        planned.place,
        planned.desired,
        _found(planned, Pass(mine), inquiry),
        mine,
        tuple(_child(key, planned) for key in _keys(planned, mine)),
        tuple(_pod(pod, inquiry) for pod in sorted(inquiry.pods.all, key=age_and_name)),
        inquiry,
        planned.snapshot.from_server,
    )


def _about(planned: Planned) -> Plan:
    plan = planned.plan
    changes = tuple(change for change in plan.changes if change.preview == planned.place)
    skips = any(not_deleted(change, NoDelete.SKIPPED) for change in changes)
    return Plan(changes, tuple(w for w in plan.skipped if w.subject != DELETES or skips), planned.notes)


def _found(planned: Planned, mine: Pass, inquiry: Inquiry) -> Status | None:
    """Return its status as things are: what a run that does nothing would write."""
    if planned.desired is None or inquiry.now is None or not planned.snapshot.from_server:
        return None
    (facts,) = gather([replace(planned.desired, in_scope=True)], [mine], planned.snapshot.children)
    facts = replace(
        facts,
        pods=inquiry.pods.app,
        setup_pods=inquiry.pods.setup,
        further_pods=inquiry.pods.further,
        events=inquiry.warnings,
    )
    return status_of(facts, inquiry.now, url_scheme=planned.settings.url_scheme)


def _keys(planned: Planned, mine: Plan) -> list[Key]:
    """List in apply order the children that are desired, then the others that exist.

    A route that no run makes, since one of another kind stays, is left out.
    """
    children, names = planned.snapshot.children, planned.settings.names
    name = split_place(planned.place).name
    changed = {change.key for change in mine.changes}
    stays = any(_is_kept_route(key, planned) for key in changed)
    wanted = [
        manifest.key
        for manifest in (planned.desired.children if planned.desired else ())
        if not (stays and is_route_of(manifest.key, name) and manifest.key not in changed)
    ]
    there = {key for key, live in children.items() if names.place_of(live) == planned.place}
    there.update(changed.intersection(children))
    return [*wanted, *sorted(there.difference(wanted), key=lambda key: (apply_order(key, name), key))]


def _is_kept_route(key: Key, planned: Planned) -> bool:
    """Whether a run leaves this route as it is, since its preview has it and nobody passes --route."""
    desired, name = planned.desired, split_place(planned.place).name
    if desired is None or desired.reason or planned.settings.route_given or key in desired.wanted:
        return False
    return is_route_of(key, name) and key in planned.snapshot.children


def _child(key: Key, planned: Planned) -> ExplainedChild:
    live, desired = planned.snapshot.children.get(key), planned.desired
    if live is None:
        return ExplainedChild(key)
    rules = Rules(planned.settings.names, from_server=planned.snapshot.from_server)
    uid = desired.preview.uid if desired else ""
    child = Child(live, split_place(planned.place).name, rules, uid=uid)
    wanted = next((one for one in desired.children if one.key == key), None) if desired else None
    compared, manager = wanted if child.ours else None, child.names.field_manager
    return ExplainedChild(
        key,
        "; ".join(["ours" if child.ours else f"not ours: {child.ownership.message}", *_besides(child)]),
        str(live.metadata.get("creationTimestamp") or ""),
        writers_of(live, manager),
        wanted_fields(live, compared, manager, _template_source(key, planned)) if compared else (),
        foreign_fields(live, compared, manager) if compared else (),
        key.kind.lower() if child.ours and _is_kept_route(key, planned) else "",
    )


def _template_source(key: Key, planned: Planned) -> TemplateSource:
    """Which template sets a field of a child."""
    preview = planned.desired.preview if planned.desired else None
    if not planned.settings.templates or not isinstance(preview, PreviewEnvironment):
        return no_template
    from reconcile.desire.templates.source import source_of  # what only templates need

    return lambda path: source_of(path, key, preview, planned.settings)


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
    name = split_place(explained.place).name
    children = defaultdict[type, list[str]](list)
    messages = defaultdict[type, dict[str, None]](dict)
    for change in explained.plan.changes:
        if change.key.kind != PREVIEW:
            children[type(change)].append(short_name(change.key, name))
            messages[type(change)][change.message] = None
    parts = [
        f"{verb} {_listed(children[type_])} ({', '.join(messages[type_])})"
        for type_, verb in ((Create, "create"), (Update, "update"), (Delete, "delete"))
        if children[type_]
    ]
    skipped = [short_name(c.key, name) for c in explained.plan.changes if not_deleted(c, NoDelete.SKIPPED)]
    more = [f"{_listed(children[Waiting])} waits"] if children[Waiting] else []
    more += [f"the delete of {_listed(skipped)} is skipped"] if skipped else []
    more += ["it needs action"] if explained.plan.blocked else []
    return "; ".join([f"A run would {_listed(parts) or 'change nothing'}", *more])


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
